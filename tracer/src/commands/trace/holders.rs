//! Who holds the pages of each call site, looked at once when the window has ended.

use std::{collections::BTreeMap, sync::atomic::Ordering};

use anyhow::{Context as _, Result};
use tracer_ebpf::Slot;

use super::plan::Plan;
use crate::{
    analysis::{self, About},
    bpf::{self, SiteTable, SlotTable, Tracer},
    commands::{
        holding::{mapped_by, walk},
        page_frames::{PageFrames, Probed},
    },
    kernel::{
        btf::Btf,
        host::{self, Samples},
        objects::ObjectLayouts,
    },
    model::{Feature, Found, HeldPages, Limitation},
};

/// The holders of each site's pages, most pages first; none of them is an error that costs the report.
pub(super) fn held_by(
    tracer: &Tracer,
    plan: &Plan,
) -> Result<BTreeMap<u32, Vec<HeldPages>>, Limitation> {
    let Some(array) = plan.page_structs else {
        let reason = "who holds pages is not known without the array of page structs";
        return Err(Feature::PageHolders.degraded(reason));
    };
    let own_process = plan.settings.own_process;
    let found = found(Probed { array, own_process });
    let found = found.map_err(|error| {
        let reason = format!("who holds pages could not be looked up: {error:#}");
        Feature::PageHolders.degraded(reason)
    })?;
    let pages = pages(&found, tracer.slots(), tracer.sites());
    let about = About {
        mapped_by: mapped_by(&found, pages.keys().map(|(_, object)| *object)),
        ..About::default()
    };
    Ok(analysis::held_pages(&found, &about, &pages))
}

fn found(kernel: Probed) -> Result<Found> {
    let blob = host::btf()?;
    let btf = Btf::parse(&blob)?;
    let layouts = ObjectLayouts::of(&btf, host::module_btf)?;
    let mut frames = PageFrames::with_slabs(&btf, kernel)?;
    let places = frames
        .places()
        .context("where the kernel sees all memory was not found")?;
    let samples = Samples::open(bpf::ring_buffers());
    Ok(walk(&mut frames, &layouts, places, &samples))
}

/// How many pages of a site an object has: a block counts for the first that refers to it.
fn pages(found: &Found, slots: &SlotTable, sites: &SiteTable) -> BTreeMap<(u32, u32), u64> {
    let mut pages = BTreeMap::new();
    let mut end = 0;
    for reference in &found.references {
        let frame = reference.frame;
        let word = slots
            .of_frames(frame..frame.saturating_add(1))
            .first()
            .map_or(0, |slot| slot.load(Ordering::Relaxed));
        if word == 0 || frame < end {
            continue;
        }
        let site = Slot(word).site();
        let order = sites.order(site).min(tracer_ebpf::MAX_ORDER);
        let first = frame >> order << order;
        end = first + (1 << order);
        let block = slots.of_frames(first..end);
        let same = block
            .iter()
            .filter(|slot| slot.load(Ordering::Relaxed) == word);
        *pages.entry((site, reference.object)).or_default() += same.count() as u64;
    }
    pages
}
