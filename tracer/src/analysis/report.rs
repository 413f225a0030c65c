//! The report: what every output format writes down.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
};

use super::{
    Survivors,
    sites::{self, Group, Stack},
    stack::{self, Function, Trace},
    window::Measured,
};
use crate::model::{
    Frame, Host, Kind, Limitation, Losses, Report, Selection, Site, SiteRecord, SortKey, Totals,
};

/// Sets by which of its pages a site is ranked.
fn apply(selection: &Selection, site: &mut Site, page_size: u64) {
    let is_in = |module: &String| {
        let mut modules = site.frames.iter().filter_map(|frame| frame.module.as_ref());
        modules.any(|it| it == module)
    };
    if selection.module.as_ref().is_none_or(is_in) {
        site.ranked_kinds = site.kinds.clone();
        site.ranked_kinds
            .retain(|kind, _| selection.kinds.contains(kind));
    }
    site.ranked_pages = site.ranked_kinds.values().sum();
    site.ranked_bytes = site.ranked_pages * page_size;
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
    /// What this kernel or this user cannot do, as far as it touches the numbers.
    pub limitations: Vec<Limitation>,
}

/// Groups what was recorded by stack, names the frames, and ranks the sites.
pub fn report(
    host: Host,
    measured: &Measured,
    mut recorded: Recorded,
    symbolize: impl FnOnce(&[u64]) -> Vec<Vec<Frame>>,
    selection: &Selection,
) -> Report {
    let too_young_pages = measured.drop_young(&mut recorded.survivors, selection.min_age);
    let names = Names::of(recorded.records.values(), symbolize);
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
        apply(selection, site, host.page_size);
    }
    rank(&mut sites, selection.sort);
    Report {
        window: measured.window(),
        totals: totals(&sites),
        host,
        losses: recorded.losses,
        limitations: recorded.limitations,
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
    fn of<'a>(
        records: impl Iterator<Item = &'a SiteRecord>,
        symbolize: impl FnOnce(&[u64]) -> Vec<Vec<Frame>>,
    ) -> Self {
        let addresses: HashSet<_, Addresses> = records.flat_map(|it| &it.frames).copied().collect();
        let mut addresses: Vec<_> = addresses.into_iter().collect();
        addresses.sort_unstable();
        let frames = symbolize(&addresses).into_iter();
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
