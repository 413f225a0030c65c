//! The report: what every output format writes down.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde::Serialize;

use super::{
    sites::{Group, Stack},
    stack::Trace,
    window::{AgeBucket, Measured, Window},
};
use crate::{
    capture::Losses,
    kernel::host::Host,
    symbols::{Frame, Symbolize},
};

/// All that one window found. Serialised, it is the schema `pagetrace.report/1`.
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
    pub sites: Vec<Site>,
    /// Pages taken in the window, the freed ones included.
    #[serde(skip)]
    pub taken_pages: u64,
    /// Unfreed pages that `--min-age` left out.
    #[serde(skip)]
    pub too_young_pages: u64,
}

/// Sums over all sites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Pages taken in the window and not freed.
    pub unfreed_pages: u64,
    /// The same in bytes.
    pub unfreed_bytes: u64,
    /// Number of sites.
    pub sites: usize,
}

/// One call site.
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
    /// Pages taken in the window, the freed ones included.
    pub allocated_pages: u64,
    /// Unfreed pages by the order of their allocation.
    pub orders: BTreeMap<u32, u64>,
    /// Sustained growth: the median over the slices of the recording of what
    /// each left behind, in bytes per second. A burst or a pool that renews
    /// itself has none.
    pub growth_bytes_per_second: u64,
    /// Unfreed pages by age, oldest first.
    pub age_histogram: Vec<AgeBucket>,
    /// The stack, innermost first.
    pub frames: Vec<Frame>,
    /// Index of the owner in `frames`.
    #[serde(skip)]
    pub owner_frame: Option<usize>,
    /// Process id and name of the task that came here first.
    #[serde(skip)]
    pub first_seen: Option<(u32, String)>,
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection {
    /// What the sites are ranked by.
    pub sort: SortKey,
    /// Pages that may be younger than this are left out.
    pub min_age: Duration,
}

/// What was recorded, by stack.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// The pages of each stack.
    pub groups: BTreeMap<Stack, Group>,
    /// Pages taken in the window, the freed ones included.
    pub taken_pages: u64,
    /// What was lost or not seen.
    pub losses: Losses,
}

/// Ranks the groups and names their frames.
pub fn report(
    host: Host,
    measured: &Measured,
    recorded: Recorded,
    symbols: &impl Symbolize,
    selection: Selection,
) -> Report {
    let names = names(recorded.groups.keys(), symbols);
    let mut too_young_pages = 0;
    let mut sites = Vec::new();
    for (stack, mut group) in recorded.groups {
        too_young_pages += measured.drop_young(&mut group, selection.min_age);
        if !group.unfreed.is_empty() {
            sites.push(site(&group, &stack, &names, measured, host.page_size));
        }
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

/// The frames at every address of every stack, each looked up once.
fn names<'a>(
    stacks: impl Iterator<Item = &'a Stack>,
    symbols: &impl Symbolize,
) -> HashMap<u64, Vec<Frame>> {
    let mut addresses: Vec<_> = stacks.flat_map(addresses).copied().collect();
    addresses.sort_unstable();
    addresses.dedup();
    let frames = symbols.frames(&addresses);
    addresses.into_iter().zip(frames).collect()
}

fn addresses(stack: &Stack) -> &[u64] {
    match stack {
        Stack::Known(addresses) => addresses,
        Stack::SiteTableFull | Stack::Lost => &[],
    }
}

fn trace(stack: &Stack, names: &HashMap<u64, Vec<Frame>>) -> Trace {
    let frames = addresses(stack)
        .iter()
        .flat_map(|address| names.get(address).into_iter().flatten());
    Trace::new(frames.cloned().collect())
}

fn owner_name(stack: &Stack, owner: Option<&Frame>) -> String {
    match (stack, owner) {
        (Stack::SiteTableFull, _) => "[site table full]".to_owned(),
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

fn site(
    group: &Group,
    stack: &Stack,
    names: &HashMap<u64, Vec<Frame>>,
    measured: &Measured,
    page_size: u64,
) -> Site {
    let trace = trace(stack, names);
    let owner = trace.owner_frame();
    let orders = group.pages_by_order();
    let unfreed_pages = orders.values().sum();
    let slices = measured.slices(group);
    Site {
        rank: 0,
        owner: owner_name(stack, owner),
        module: owner.and_then(|frame| frame.module.clone()),
        unfreed_pages,
        unfreed_bytes: unfreed_pages * page_size,
        allocated_pages: group.allocated_pages,
        orders,
        growth_bytes_per_second: (measured.growth(slices) * page_size as f64).round() as u64,
        age_histogram: measured.histogram(slices),
        owner_frame: trace.owner,
        frames: trace.frames,
        first_seen: group.first_seen.clone(),
    }
}

fn rank(sites: &mut [Site], sort: SortKey) {
    sites.sort_by_cached_key(|site| {
        let key = match sort {
            SortKey::Bytes => site.unfreed_bytes,
            SortKey::Pages => site.unfreed_pages,
            SortKey::Growth => site.growth_bytes_per_second,
        };
        std::cmp::Reverse((
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
    Totals {
        unfreed_pages: sites.iter().map(|site| site.unfreed_pages).sum(),
        unfreed_bytes: sites.iter().map(|site| site.unfreed_bytes).sum(),
        sites: sites.len(),
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
