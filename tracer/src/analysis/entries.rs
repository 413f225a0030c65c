//! Entries of the ranking: call sites that belong together.

use std::{borrow::Cow, cmp::Reverse, collections::BTreeSet};

use rustc_hash::FxHashMap;

use super::{
    held,
    known_owners::{KnownOwners, Named},
    selected::Pages,
    window::Epochs,
};
use crate::model::{
    Context, Entry, GroupBy, HeldPages, KnownOwner, NoStack, Report, Share, Site, SortKey,
};

/// Who took pages: the name of a function and its module, or what is known instead.
type Owner<'a> = (Cow<'a, str>, Option<&'a str>);

/// The entries, as sites are added to them.
pub(super) struct Entries<'a> {
    report: &'a Report,
    by: GroupBy,
    drafts: Vec<Draft<'a>>,
    functions: FxHashMap<Owner<'a>, usize>,
}

/// An entry that is not ranked yet.
struct Draft<'a> {
    owner: Owner<'a>,
    contexts: BTreeSet<Context>,
    pages: Pages,
    allocated_pages: u64,
    sites: Vec<Share>,
    held_by: Vec<HeldPages>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(report: &'a Report, by: GroupBy) -> Self {
        Self {
            report,
            by,
            drafts: Vec::new(),
            functions: FxHashMap::default(),
        }
    }

    /// Adds the pages of the site at `index`.
    pub(super) fn add(&mut self, index: usize, site: &Site, pages: &Pages) {
        let draft = self.draft(site);
        draft.contexts.insert(site.context);
        draft.allocated_pages += site.allocated_pages;
        draft.sites.push(Share {
            site: index,
            pages: pages.number,
        });
        held::add(&mut draft.held_by, &site.held_by);
        draft.pages.append(pages);
    }

    /// The one that the site belongs to.
    fn draft(&mut self, site: &Site) -> &mut Draft<'a> {
        let owner = owner(self.report, site);
        let next = self.drafts.len();
        let place = match self.by {
            GroupBy::Stack => next,
            GroupBy::Function => *self.functions.entry(owner.clone()).or_insert(next),
        };
        if place == next {
            self.drafts.push(Draft::of(owner));
        }
        &mut self.drafts[place]
    }

    /// The entries, largest first.
    pub(super) fn ranked(self, epochs: &Epochs<'_>, sort: SortKey) -> Vec<Entry> {
        let page_size = self.report.host.page_size;
        let known = Known::new(self.report);
        let entries = self.drafts.into_iter();
        let mut entries: Vec<_> = entries
            .map(|it| it.entry(epochs, page_size, &known))
            .collect();
        entries.sort_by_cached_key(|entry| {
            let key = match sort {
                SortKey::Bytes | SortKey::Pages => entry.pages,
                SortKey::Growth => entry.growth_bytes_per_second,
            };
            (
                Reverse((key, entry.pages)),
                entry.owner.clone(),
                entry.module.clone(),
            )
        });
        for (rank, entry) in (1..).zip(&mut entries) {
            entry.rank = rank;
        }
        entries
    }
}

impl<'a> Draft<'a> {
    fn of(owner: Owner<'a>) -> Self {
        Self {
            owner,
            contexts: BTreeSet::new(),
            pages: Pages::default(),
            allocated_pages: 0,
            sites: Vec::new(),
            held_by: Vec::new(),
        }
    }

    fn entry(mut self, epochs: &Epochs<'_>, page_size: u64, known: &Known<'_>) -> Entry {
        self.sites.sort_by_key(|share| Reverse(share.pages));
        let (owner, module) = self.owner;
        let pages = self.pages;
        Entry {
            rank: 0,
            owner: owner.into_owned(),
            module: module.map(str::to_owned),
            contexts: self.contexts,
            pages: pages.number,
            bytes: pages.number * page_size,
            kinds: pages.kinds,
            orders: pages.orders,
            allocated_pages: self.allocated_pages,
            growth_bytes_per_second: (epochs.growth(pages.slices) * page_size as f64).round()
                as u64,
            age_histogram: epochs.histogram(pages.slices),
            held_by: self.held_by,
            known: self.sites.first().and_then(|it| known.owner(it.site)),
            sites: self.sites,
        }
    }
}

/// Who is known to take pages by the stacks of a report.
struct Known<'a> {
    report: &'a Report,
    /// Found once, as there are many more stacks than functions.
    frames: Vec<Named>,
}

impl<'a> Known<'a> {
    fn new(report: &'a Report) -> Self {
        let known = KnownOwners::shipped();
        Self {
            report,
            frames: report.frames.iter().map(|it| known.named(it)).collect(),
        }
    }

    /// The known owner of the site at `index`.
    fn owner(&self, index: usize) -> Option<&'static KnownOwner> {
        let site = self.report.sites.get(index)?;
        let owner = site
            .stack
            .iter()
            .position(|it| Some(*it) == site.owner_frame);
        let frames = site.stack.iter();
        let frames = frames.map(|it| self.frames.get(*it as usize).copied().unwrap_or_default());
        KnownOwners::shipped().nearest(frames, owner?)
    }
}

/// The function that asked for the pages of a site, or what is known instead.
fn owner<'a>(report: &'a Report, site: &Site) -> Owner<'a> {
    let Some(frame) = report.owner_frame(site) else {
        let reason = site.no_stack.unwrap_or(NoStack::Lost);
        return (Cow::Borrowed(reason.name()), None);
    };
    let name = match &frame.symbol {
        Some(symbol) => Cow::Borrowed(symbol.as_str()),
        None => Cow::Owned(format!("{:#x}", frame.address)),
    };
    (name, frame.module.as_deref())
}
