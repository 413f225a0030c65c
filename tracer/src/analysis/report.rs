//! The report: what was recorded by call site, with names, and nothing of what is asked of it.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    Survivors,
    judge::judge,
    names::Names,
    sites::{self, Group, Key, Stack},
    stack::{self, Trace},
};
use crate::model::{
    Context, ControlGroup, Cost, Frame, Host, Limitation, Losses, Meminfo, NoStack, Report, Schema,
    Site, SiteRecord, Takers, Task, Tool, TracerFrames, Window,
};

/// What was recorded.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// Pages never freed, by site.
    pub survivors: Survivors,
    /// The sites.
    pub records: BTreeMap<u32, SiteRecord>,
    /// The values of gfp flags by their names, as far as the kernel tells.
    pub gfp_flags: BTreeMap<String, u32>,
    /// The paths of cgroups by their ids, if cgroups were told apart.
    pub cgroup_paths: BTreeMap<u64, String>,
    /// Which frames of their stacks are the tracer's own.
    pub tracer_frames: TracerFrames,
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
    mut recorded: Recorded,
    symbolize: impl FnOnce(&[u64]) -> Vec<Vec<Frame>>,
) -> Report {
    let records = &recorded.records;
    let names = Names::of(records.values(), recorded.tracer_frames, symbolize);
    let judged = judge(&mut recorded.survivors, |id| names.taken(records.get(&id)?));
    let losses = &mut recorded.losses;
    let missed = losses.missed_frees_at_end_pages;
    losses.missed_frees_at_end_pages = missed.map(|pages| pages + judged.missed_free_pages);
    losses.unnamed_pages = judged.unnamed_pages;
    for record in recorded.records.values_mut() {
        // Whoever an interrupt hits has nothing to do with it.
        let taker = record.taker.take();
        record.taker = taker.filter(|_| !names.is_interrupt(&record.frames));
    }
    let groups = sites::group(&recorded.survivors, recorded.records, |addresses| {
        names.own(addresses)
    });
    // There can be as many as pages: not to be there beside the sites.
    drop(recorded.survivors);
    let owners = names.unnamed_owners(groups.keys().map(|(stack, _)| stack.addresses()));
    let takers = (window.takers, &recorded.cgroup_paths);
    let sites = groups.into_iter().zip(owners);
    let mut sites: Vec<_> = sites
        .map(|((key, group), owner)| site(key, group, owner, &names, takers))
        .collect();
    sites.sort_by_cached_key(|site| Reverse(site.unfreed_pages()));
    Report {
        schema: Schema::default(),
        tool: Tool::own(),
        host,
        window,
        cost: recorded.cost,
        losses: recorded.losses,
        limitations: recorded.limitations,
        meminfo: recorded.meminfo,
        taken_pages: recorded.taken_pages,
        gfp_flags: recorded.gfp_flags,
        images: vec![],
        frames: names.used(sites.iter_mut().flat_map(frames)),
        sites,
    }
}

fn site(
    (stack, taker): Key,
    group: Group,
    unnamed_owner: Option<usize>,
    names: &Names,
    (takers, cgroup_paths): (Option<Takers>, &BTreeMap<u64, String>),
) -> Site {
    let no_stack = match stack {
        Stack::Known(_) => None,
        Stack::SiteTableFull => Some(NoStack::SiteTableFull),
        Stack::Lost => Some(NoStack::Lost),
        Stack::Mismatched => Some(NoStack::RecordMismatch),
    };
    let trace = Trace::new(&names.functions(stack.addresses()), unnamed_owner);
    // Whoever an interrupt hits first has nothing to do with it.
    let is_task = trace.context == Context::Task;
    let taker = |kind| taker.filter(|_| takers == Some(kind));
    Site {
        no_stack: no_stack.or(trace.frames.is_empty().then_some(NoStack::Lost)),
        stack: trace.frames,
        owner_frame: trace.owner,
        context: trace.context,
        interrupted: stack::frames(&names.functions(&group.interrupted)),
        process: taker(Takers::Process).map(|id| process(id, group.first_seen.as_ref())),
        cgroup: taker(Takers::Cgroup).map(|id| ControlGroup {
            id,
            path: cgroup_paths.get(&id).cloned(),
        }),
        first_seen: group.first_seen.filter(|_| is_task),
        allocated_pages: group.allocated_pages,
        unfreed: sites::unfreed(group.pages),
        held_by: group.held_by,
    }
}

/// The process, by the name of its task that came to a site first.
fn process(id: u64, first_seen: Option<&Task>) -> Task {
    Task {
        pid: u32::try_from(id).unwrap_or(u32::MAX),
        name: first_seen.map(|task| task.name.clone()).unwrap_or_default(),
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
