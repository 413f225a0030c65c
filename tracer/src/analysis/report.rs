//! The report: what was recorded by call site, with names, and nothing of what is asked of it.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    Survivors,
    names::Names,
    sites::{self, Group, Stack},
    stack::{self, Trace},
};
use crate::model::{
    Context, Cost, Frame, Host, Limitation, Losses, Meminfo, NoStack, Report, Schema, Site,
    SiteRecord, Tool, Window,
};

/// What was recorded.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// Pages never freed, by site.
    pub survivors: Survivors,
    /// The sites.
    pub records: BTreeMap<u32, SiteRecord>,
    /// Pages taken in the window, the freed ones included.
    pub taken_pages: u64,
    /// What tracing cost.
    pub cost: Cost,
    /// What was lost or not seen.
    pub losses: Losses,
    /// What this kernel or this user cannot do, as far as it touches the numbers.
    pub limitations: Vec<Limitation>,
    /// What the kernel's own counters said; none if they could not be read.
    pub meminfo: Option<Meminfo>,
}

/// Groups what was recorded by stack, and names the frames.
pub fn report(
    host: Host,
    window: Window,
    recorded: Recorded,
    symbolize: impl FnOnce(&[u64]) -> Vec<Vec<Frame>>,
) -> Report {
    let names = Names::of(recorded.records.values(), symbolize);
    let groups = sites::group(&recorded.survivors, recorded.records, |addresses| {
        names.own(addresses)
    });
    // There can be as many as pages: not to be there beside the sites.
    drop(recorded.survivors);
    let sites = groups.into_iter();
    let mut sites: Vec<_> = sites
        .map(|(stack, group)| site(stack, group, &names))
        .collect();
    sites.sort_by_cached_key(|site| Reverse(site.unfreed_pages()));
    Report {
        schema: Schema::default(),
        tool: tool(),
        host,
        window,
        cost: recorded.cost,
        losses: recorded.losses,
        limitations: recorded.limitations,
        meminfo: recorded.meminfo,
        taken_pages: recorded.taken_pages,
        frames: names.used(sites.iter_mut().flat_map(frames)),
        sites,
    }
}

/// This program.
fn tool() -> Tool {
    Tool {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn site(stack: Stack, group: Group, names: &Names) -> Site {
    let (addresses, no_stack) = match stack {
        Stack::Known(addresses) => (addresses, None),
        Stack::SiteTableFull => (vec![], Some(NoStack::SiteTableFull)),
        Stack::Lost => (vec![], Some(NoStack::Lost)),
        Stack::Mismatched => (vec![], Some(NoStack::RecordMismatch)),
    };
    let trace = Trace::new(&names.functions(&addresses));
    // Whoever an interrupt hits first has nothing to do with it.
    let is_task = trace.context == Context::Task;
    Site {
        no_stack: no_stack.or(trace.frames.is_empty().then_some(NoStack::Lost)),
        stack: trace.frames,
        owner_frame: trace.owner,
        context: trace.context,
        interrupted: stack::frames(&names.functions(&group.interrupted)),
        first_seen: group.first_seen.filter(|_| is_task),
        allocated_pages: group.allocated_pages,
        unfreed: sites::unfreed(group.pages, trace.accounted),
    }
}

/// Every mention of a frame.
fn frames(site: &mut Site) -> impl Iterator<Item = &mut u32> {
    let stack = site.stack.iter_mut().chain(&mut site.interrupted);
    stack.chain(&mut site.owner_frame)
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
