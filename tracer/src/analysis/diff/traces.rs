//! Two traces, of two moments, machines or kernels.

use std::{cmp::Reverse, collections::BTreeMap};

use super::Amounts;
use crate::{
    analysis::owner::stem,
    model::{DiffSchema, Frame, NoStack, Report, Side, Site, StackChange, Summary, TraceDiff},
};

/// A report, and what was asked of it.
type Trace<'a> = (&'a Report, &'a Summary);

/// What differs between the pages that were asked for.
pub fn traces(before: Trace<'_>, after: Trace<'_>) -> TraceDiff {
    let mut owners = Amounts::default();
    let mut stacks = BTreeMap::<Vec<String>, [u64; 2]>::new();
    for (side, (report, summary)) in [before, after].into_iter().enumerate() {
        for share in summary.entries.iter().flat_map(|entry| &entry.sites) {
            let site = &report.sites[share.site];
            let bytes = share.pages.saturating_mul(report.host.page_size);
            owners.add(side, owner(report, site), bytes);
            let sum = &mut stacks.entry(functions(report, site)).or_default()[side];
            *sum = sum.saturating_add(bytes);
        }
    }
    TraceDiff {
        schema: DiffSchema::Traces1,
        before: side(before.0),
        after: side(after.0),
        owners: owners.changes(),
        stacks: changes(stacks),
    }
}

fn side(report: &Report) -> Side {
    Side {
        host: report.host.clone(),
        at: report.window.started,
    }
}

/// All stacks, the largest change first: those that did not change have their place in a
/// flame graph, too.
fn changes(stacks: BTreeMap<Vec<String>, [u64; 2]>) -> Vec<StackChange> {
    let change = |(functions, bytes): (_, [u64; 2])| StackChange {
        functions,
        before_bytes: bytes[0],
        after_bytes: bytes[1],
    };
    let mut changes: Vec<_> = stacks.into_iter().map(change).collect();
    changes.sort_by_key(|it| Reverse(it.change()));
    changes
}

fn owner(report: &Report, site: &Site) -> String {
    let owner = report.owner_frame(site).map(name);
    owner.unwrap_or_else(|| no_stack(site))
}

/// The functions of a stack, outermost first.
fn functions(report: &Report, site: &Site) -> Vec<String> {
    if site.stack.is_empty() {
        return vec![no_stack(site)];
    }
    report.frames_at(&site.stack).rev().map(name).collect()
}

fn no_stack(site: &Site) -> String {
    site.no_stack.unwrap_or(NoStack::Lost).name().to_owned()
}

/// A function with its module. One without a name is no other kernel's.
fn name(frame: &Frame) -> String {
    let Some(symbol) = &frame.symbol else {
        return format!("{:#x}", frame.address);
    };
    match &frame.module {
        Some(module) => format!("{} [{module}]", stem(symbol)),
        None => stem(symbol).to_owned(),
    }
}
