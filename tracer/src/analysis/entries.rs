//! Entries of the ranking: call sites that belong together.

use std::{borrow::Cow, cmp::Reverse, collections::BTreeSet};

use rustc_hash::FxHashMap;

use super::{
    held,
    known_owners::{KnownOwners, Named},
    selected::Pages,
    trend::Kept,
    window::Epochs,
};
use crate::model::{
    Context, ControlGroup, Entry, GroupBy, HeldPages, KnownOwner, NoStack, Report, Share, Site,
    SortKey, Task,
};

/// Who took pages: the name of a function and its module, or what is known instead.
type Owner<'a> = (Cow<'a, str>, Option<&'a str>);

/// What the sites of one entry have in common.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    /// Their stack, or why there is none.
    Stack(&'a [u32], Option<NoStack>),
    /// The name that they are ranked under.
    Owner(Owner<'a>),
    /// The id of their process.
    Process(u32),
    /// The id of their cgroup.
    Cgroup(u64),
}

/// The entries, as sites are added to them.
pub(super) struct Entries<'a> {
    report: &'a Report,
    by: GroupBy,
    drafts: Vec<Draft<'a>>,
    places: FxHashMap<Key<'a>, usize>,
}

/// Entries of which it is said whether they go on growing: those that somebody may look at.
const JUDGED: usize = 1000;

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
            places: FxHashMap::default(),
        }
    }

    /// Adds the pages of the site at `index`.
    pub(super) fn add(&mut self, index: usize, site: &'a Site, pages: &Pages) {
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
    fn draft(&mut self, site: &'a Site) -> &mut Draft<'a> {
        let (key, owner) = self.identity(site);
        let next = self.drafts.len();
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.drafts.push(Draft::of(owner));
        }
        &mut self.drafts[place]
    }

    fn identity(&self, site: &'a Site) -> (Key<'a>, Owner<'a>) {
        let named = |owner: Owner<'a>| (Key::Owner(owner.clone()), owner);
        match (self.by, &site.process, &site.cgroup) {
            (GroupBy::Stack, ..) => {
                let stack = Key::Stack(&site.stack, site.no_stack);
                (stack, function(self.report, site))
            }
            (GroupBy::Function, ..) => named(function(self.report, site)),
            (GroupBy::Process, Some(task), _) => (Key::Process(task.pid), process(task)),
            (GroupBy::Cgroup, _, Some(group)) => (Key::Cgroup(group.id), cgroup(group)),
            (GroupBy::Process | GroupBy::Cgroup, ..) => named(nobody(site)),
        }
    }

    /// The entries, largest first.
    pub(super) fn ranked(self, epochs: &Epochs<'_>, sort: SortKey) -> Vec<Entry> {
        let (report, page_size) = (self.report, self.report.host.page_size);
        let known = Known::new(report);
        let entries = self.drafts.into_iter();
        let entries = entries.map(|it| it.entry(epochs, page_size, &known));
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_cached_key(|(entry, _)| {
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
        let window = &report.window;
        let ranked = (1..).zip(entries).map(|(rank, (entry, kept))| Entry {
            rank,
            growth: (rank <= JUDGED).then(|| kept.trend(entry.allocated_pages, window, page_size)),
            ..entry
        });
        ranked.collect()
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

    fn entry(mut self, epochs: &Epochs<'_>, page_size: u64, known: &Known<'_>) -> (Entry, Kept) {
        self.sites.sort_by_key(|share| Reverse(share.pages));
        let (owner, module) = self.owner;
        let pages = self.pages;
        let entry = Entry {
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
            growth: None,
            age_histogram: epochs.histogram(pages.slices),
            held_by: self.held_by,
            known: self.sites.first().and_then(|it| known.owner(it.site)),
            sites: self.sites,
        };
        (entry, pages.kept)
    }
}

/// A process: `nginx (pid 4711)`.
fn process(task: &Task) -> Owner<'_> {
    (
        Cow::Owned(format!("{} (pid {})", task.name, task.pid)),
        None,
    )
}

/// A cgroup, by its path if that is known.
fn cgroup(group: &ControlGroup) -> Owner<'_> {
    let name = match &group.path {
        Some(path) => Cow::Borrowed(path.as_str()),
        None => Cow::Owned(format!("[cgroup {}]", group.id)),
    };
    (name, None)
}

/// What stands in the place of a taker where there is none.
fn nobody(site: &Site) -> Owner<'_> {
    let name = match site.no_stack {
        Some(reason) => reason.name(),
        None => "[interrupt]",
    };
    (Cow::Borrowed(name), None)
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
pub(super) fn function<'a>(report: &'a Report, site: &Site) -> Owner<'a> {
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
