//! One look at every page that is out: what it is, who has it, and who took it.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{holders, pages::LivePages, plan::Plan};
use crate::{
    analysis::{self, Marking, Recorded},
    bpf::{Capture, Tracer},
    model::{Cost, Feature},
};

/// What is out now, by site. The programs are detached after it if allocations are no longer
/// recorded; what the window read before and after it is for the caller to add.
pub(in super::super) fn look(
    tracer: &mut Tracer,
    plan: &Plan,
    marking: Marking,
) -> Result<Recorded> {
    let pages = LivePages::new(tracer.sites(), plan);
    let parts: Vec<_> = tracer.slots().parts().collect();
    let scan = analysis::scan(&parts, &pages, marking);
    let unverified = pages.unverified().or_else(|| {
        let some = "the kernel does not tell what some page frames are";
        let limitation = || Feature::PageVerification.degraded(some);
        scan.is_unverified().then(limitation)
    });
    let bulk = tracer.bulk_limitation().cloned();
    let found = if plan.holders {
        holders::held_by(tracer, plan)
    } else {
        Ok(BTreeMap::new())
    };
    let (mut held_by, not_held) = match found {
        Ok(held_by) => (held_by, None),
        Err(limitation) => (BTreeMap::new(), Some(limitation)),
    };
    let Capture {
        tracer_frames,
        taken_pages,
        mut losses,
        program_time,
    } = match marking {
        Marking::HasEnded => tracer.finish()?,
        Marking::GoesOn => tracer.capture()?,
    };
    let settled = scan.settle(losses.recursion_misses.free);
    let survivors = settled.survivors;
    let missed_frees = unverified.is_none().then_some(settled.missed_free_pages);
    losses.missed_frees_at_end_pages = missed_frees;
    losses.unknown_reference_pages = settled.unknown_reference_pages;
    let limitations = plan.limitations.iter().cloned().chain(unverified);
    let limitations = limitations.chain(bulk).chain(not_held);
    let sites = tracer.sites();
    let mut records = analysis::records(&survivors, sites.ids(), |id| sites.record(id))?;
    for (id, record) in &mut records {
        record.held_by = held_by.remove(id).unwrap_or_default();
    }
    Ok(Recorded {
        survivors,
        records,
        gfp_flags: plan.gfp_flags.clone(),
        tracer_frames,
        taken_pages,
        cost: Cost {
            programs: program_time,
            ..Cost::default()
        },
        losses,
        limitations: limitations.collect(),
        ..Recorded::default()
    })
}
