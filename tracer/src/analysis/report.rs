//! The report: what every output format writes down.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
    time::Duration,
};

use serde::Serialize;

use super::{
    Kind, Survivors,
    sites::{self, Group, Stack},
    stack::{self, Function, Trace},
    window::{AgeBucket, Measured, Window},
};
use crate::{
    bpf::{Losses, SiteRecord},
    kernel::{host::Host, interrupts::Context},
    symbols::{Frame, Symbolize},
};

/// All that one window found. Sites are many and share their frames, so whoever
/// serialises it adds them.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The machine.
    pub host: Host,
    /// The time that was watched.
    pub window: Window,
    /// Sums over all sites.
    pub totals: Totals,
    /// What was lost or not seen.
    pub losses: Losses,
    /// Every site with unfreed pages, best-ranked first.
    #[serde(skip)]
    pub sites: Vec<Site>,
    /// Pages taken in the window, the freed ones included.
    #[serde(skip)]
    pub taken_pages: u64,
    /// Unfreed pages that `--min-age` left out.
    #[serde(skip)]
    pub too_young_pages: u64,
}

/// Sums over all sites.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Pages taken in the window and not freed.
    pub unfreed_pages: u64,
    /// The same in bytes.
    pub unfreed_bytes: u64,
    /// Those of them that the sites are ranked by.
    pub ranked_pages: u64,
    /// The same in bytes.
    pub ranked_bytes: u64,
    /// Unfreed pages by kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// Number of sites.
    pub sites: usize,
}

/// One call site. Whoever serialises it adds the frames.
#[derive(Clone, Debug, Serialize)]
pub struct Site {
    /// Place in the ranking, from 1.
    pub rank: usize,
    /// The function that asked for the pages, or what is known instead.
    pub owner: String,
    /// The module of `owner`; none for the kernel proper.
    pub module: Option<String>,
    /// Pages taken in the window and not freed.
    pub unfreed_pages: u64,
    /// The same in bytes.
    pub unfreed_bytes: u64,
    /// Those of them that the site is ranked by: of the kinds, and in the
    /// module, that the user asked for.
    pub ranked_pages: u64,
    /// The same in bytes.
    pub ranked_bytes: u64,
    /// Pages taken in the window, the freed ones included.
    pub allocated_pages: u64,
    /// Unfreed pages by kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// Unfreed pages by the order of their allocation.
    pub orders: BTreeMap<u32, u64>,
    /// Sustained growth: the median over the slices of the recording of what
    /// each left behind, in bytes per second. A burst or a pool that renews
    /// itself has none.
    pub growth_bytes_per_second: u64,
    /// Unfreed pages by age, oldest first.
    pub age_histogram: Vec<AgeBucket>,
    /// Who took the pages: a task, or an interrupt.
    pub context: Context,
    /// The stack, innermost first, down to the entry of the interrupt if it is one's.
    #[serde(skip)]
    pub frames: Vec<Arc<Frame>>,
    /// The rest of the stack: whoever the interrupt came on top of, the first
    /// time. The pages are not theirs.
    #[serde(skip)]
    pub interrupted_frames: Vec<Arc<Frame>>,
    /// The pages the site is ranked by, by kind.
    #[serde(skip)]
    pub ranked_kinds: BTreeMap<Kind, u64>,
    /// Index of the owner in `frames`.
    #[serde(skip)]
    pub owner_frame: Option<usize>,
    /// Process id and name of the task that came here first.
    #[serde(skip)]
    pub first_seen: Option<(u32, String)>,
}

impl Report {
    /// The sites that have pages of the kinds, and in the module, that the user
    /// asked for; the others come after them.
    pub fn ranked(&self) -> &[Site] {
        let ranked = self.sites.partition_point(|site| site.ranked_pages > 0);
        &self.sites[..ranked]
    }

    /// Pages that are out and that no site is ranked by, by kind.
    pub fn unranked_pages(&self) -> BTreeMap<Kind, u64> {
        let mut kinds = self.totals.kinds.clone();
        for (kind, ranked) in self.ranked().iter().flat_map(|site| &site.ranked_kinds) {
            if let Some(pages) = kinds.get_mut(kind) {
                *pages -= ranked;
            }
        }
        kinds.retain(|_, pages| *pages > 0);
        kinds
    }
}

/// What the sites are ranked by, the largest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SortKey {
    /// Unfreed bytes.
    #[default]
    Bytes,
    /// Unfreed pages.
    Pages,
    /// Sustained growth.
    Growth,
}

/// Which pages count, and in which order sites come.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// What the sites are ranked by.
    pub sort: SortKey,
    /// Pages that may be younger than this are left out.
    pub min_age: Duration,
    /// The kinds of pages to rank.
    pub kinds: BTreeSet<Kind>,
    /// The module that a function of a ranked site's stack must be in.
    pub module: Option<String>,
}

impl Selection {
    /// Sets by which of its pages a site is ranked.
    fn apply(&self, site: &mut Site, page_size: u64) {
        let is_in = |module: &String| {
            let mut modules = site.frames.iter().filter_map(|frame| frame.module.as_ref());
            modules.any(|it| it == module)
        };
        if self.module.as_ref().is_none_or(is_in) {
            site.ranked_kinds = site.kinds.clone();
            site.ranked_kinds
                .retain(|kind, _| self.kinds.contains(kind));
        }
        site.ranked_pages = site.ranked_kinds.values().sum();
        site.ranked_bytes = site.ranked_pages * page_size;
    }
}

/// What was recorded.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// Pages never freed, by site.
    pub survivors: Survivors,
    /// The sites.
    pub records: BTreeMap<u32, SiteRecord>,
    /// Pages taken in the window, the freed ones included.
    pub taken_pages: u64,
    /// What was lost or not seen.
    pub losses: Losses,
}

/// Groups what was recorded by stack, names the frames, and ranks the sites.
pub fn report(
    host: Host,
    measured: &Measured,
    mut recorded: Recorded,
    symbols: &impl Symbolize,
    selection: &Selection,
) -> Report {
    let too_young_pages = measured.drop_young(&mut recorded.survivors, selection.min_age);
    let names = Names::of(recorded.records.values(), symbols);
    let groups = sites::group(
        &recorded.survivors,
        recorded.records,
        |addresses| names.own(addresses),
        &measured.slices(),
    );
    recorded.losses.mismatched_pages = groups
        .get(&Stack::Mismatched)
        .map_or(0, Group::unfreed_pages);
    // There can be as many as pages: not to be there beside the sites.
    drop(recorded.survivors);
    let mut sites: Vec<_> = groups
        .into_iter()
        .map(|(stack, group)| site(group, &stack, &names, measured, host.page_size))
        .collect();
    for site in &mut sites {
        selection.apply(site, host.page_size);
    }
    rank(&mut sites, selection.sort);
    Report {
        window: measured.window(),
        totals: totals(&sites),
        host,
        losses: recorded.losses,
        sites,
        taken_pages: recorded.taken_pages,
        too_young_pages,
    }
}

/// The functions at every address of every stack, each looked up once.
struct Names(HashMap<u64, Vec<Function>, Addresses>);

type Addresses = BuildHasherDefault<AddressHasher>;

/// Millions of addresses are looked up, and none is chosen to collide.
#[derive(Clone, Copy, Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u64(&mut self, word: u64) {
        // Knuth's multiplier; the map takes the highest bits and the lowest.
        let product = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }
}

impl Names {
    fn of<'a>(records: impl Iterator<Item = &'a SiteRecord>, symbols: &impl Symbolize) -> Self {
        let addresses: HashSet<_, Addresses> = records.flat_map(|it| &it.frames).copied().collect();
        let mut addresses: Vec<_> = addresses.into_iter().collect();
        addresses.sort_unstable();
        let frames = symbols.frames(&addresses).into_iter();
        let functions = frames.map(|frames| frames.into_iter().map(Function::from).collect());
        Self(addresses.into_iter().zip(functions).collect())
    }

    fn at(&self, address: u64) -> &[Function] {
        self.0.get(&address).map_or(&[], Vec::as_slice)
    }

    fn functions(&self, addresses: &[u64]) -> Vec<&Function> {
        addresses.iter().flat_map(|&it| self.at(it)).collect()
    }

    fn own(&self, addresses: &[u64]) -> usize {
        stack::own(addresses.iter().map(|&it| self.at(it)))
    }
}

fn addresses(stack: &Stack) -> &[u64] {
    match stack {
        Stack::Known(addresses) => addresses,
        Stack::SiteTableFull | Stack::Lost | Stack::Mismatched => &[],
    }
}

fn owner_name(stack: &Stack, owner: Option<&Frame>) -> String {
    match (stack, owner) {
        (Stack::SiteTableFull, _) => "[site table full]".to_owned(),
        (Stack::Mismatched, _) => "[record mismatch]".to_owned(),
        (
            Stack::Known(_),
            Some(Frame {
                symbol: Some(symbol),
                ..
            }),
        ) => symbol.clone(),
        (Stack::Known(_), Some(Frame { address, .. })) => format!("{address:#x}"),
        (Stack::Lost, _) | (Stack::Known(_), None) => "[stack lost]".to_owned(),
    }
}

fn site(group: Group, stack: &Stack, names: &Names, measured: &Measured, page_size: u64) -> Site {
    let trace = Trace::new(&names.functions(addresses(stack)));
    let owner = trace.owner_frame();
    let unfreed_pages = group.unfreed_pages();
    let growth = measured.growth(group.slices) * page_size as f64;
    Site {
        rank: 0,
        owner: owner_name(stack, owner),
        module: owner.and_then(|frame| frame.module.clone()),
        unfreed_pages,
        unfreed_bytes: unfreed_pages * page_size,
        ranked_kinds: BTreeMap::new(),
        ranked_pages: 0,
        ranked_bytes: 0,
        allocated_pages: group.allocated_pages,
        kinds: kinds(group.kinds, trace.accounted),
        orders: group.orders,
        growth_bytes_per_second: growth.round() as u64,
        age_histogram: measured.histogram(group.slices),
        context: trace.context,
        interrupted_frames: stack::frames(&names.functions(&group.interrupted)),
        owner_frame: trace.owner,
        frames: trace.frames,
        first_seen: group.first_seen,
    }
}

/// Pages by kind. Where flags tell nothing, the way the pages were taken may.
fn kinds(mut kinds: BTreeMap<Kind, u64>, accounted: Option<Kind>) -> BTreeMap<Kind, u64> {
    if let Some(kind) = accounted
        && let Some(pages) = kinds.remove(&Kind::Raw)
    {
        *kinds.entry(kind).or_insert(0) += pages;
    }
    kinds
}

/// Sites that are not to be ranked come last, so that every page is in the report.
fn rank(sites: &mut [Site], sort: SortKey) {
    sites.sort_by_cached_key(|site| {
        let key = match sort {
            SortKey::Bytes => site.ranked_bytes,
            SortKey::Pages => site.ranked_pages,
            SortKey::Growth => site.growth_bytes_per_second,
        };
        std::cmp::Reverse((
            site.ranked_pages > 0,
            key,
            site.unfreed_bytes,
            std::cmp::Reverse(site.owner.clone()),
        ))
    });
    for (rank, site) in (1..).zip(sites) {
        site.rank = rank;
    }
}

fn totals(sites: &[Site]) -> Totals {
    let mut totals = Totals {
        sites: sites.len(),
        ..Totals::default()
    };
    for site in sites {
        totals.unfreed_pages += site.unfreed_pages;
        totals.unfreed_bytes += site.unfreed_bytes;
        totals.ranked_pages += site.ranked_pages;
        totals.ranked_bytes += site.ranked_bytes;
        for (&kind, pages) in &site.kinds {
            *totals.kinds.entry(kind).or_insert(0) += pages;
        }
    }
    totals
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
