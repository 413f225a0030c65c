//! A look at every page now and then, for those who ask often.

use std::{collections::BTreeMap, time::Instant};

use anyhow::Result;
use jiff::Timestamp;

use crate::{
    analysis,
    commands::{
        recorder::Recorder,
        take::{self, Parts},
    },
    kernel::host,
    model::{LookMetrics, Snapshot, Threshold},
};

/// What no counter accounts for, now.
pub(super) fn unaccounted_bytes() -> Result<i64> {
    let (memory, _) = host::memory_counters()?;
    Ok(analysis::balance(&memory, Threshold::Usual)?.unaccounted_bytes)
}

/// Looks at every page that is out, and at whoever holds some; `top` call sites are told apart.
pub(super) fn look(recorder: &mut Recorder, top: usize) -> Result<LookMetrics> {
    let started = Instant::now();
    let report = recorder.report_of_sites()?;
    let (sites, other_sites_bytes) = analysis::site_metrics(&report, top);
    let snapshot = take::running(Parts::HOLDERS)?;
    let mut balance = analysis::balance(&snapshot.memory, Threshold::Usual)?;
    let vmalloc = snapshot.memory.vmalloc.as_deref().unwrap_or_default();
    analysis::explain(&mut balance, snapshot.holders(), vmalloc);
    let (unaccounted, unexplained) = (balance.unaccounted_bytes, balance.unexplained_bytes);
    let explained = (unaccounted > 0).then(|| 1.0 - unexplained as f64 / unaccounted as f64);
    Ok(LookMetrics {
        taken_at: Timestamp::now(),
        seconds: started.elapsed().into(),
        unexplained_bytes: Some(unexplained),
        explained_ratio: explained.map(|it| it.clamp(0.0, 1.0)),
        holder_bytes: Some(holder_bytes(&snapshot)),
        cgroup_bytes: cgroup_bytes(&snapshot, top),
        sites,
        other_sites_bytes,
    })
}

/// Of the `top` groups with most, and none that has nothing.
fn cgroup_bytes(snapshot: &Snapshot, top: usize) -> Option<Vec<(String, u64)>> {
    let groups = &snapshot.page_holders.as_ref()?.cgroups;
    let bytes = groups.iter().filter_map(|it| {
        let bytes = it.charged_bytes.saturating_add(it.held_uncharged_bytes);
        Some((it.cgroup.clone()?, bytes))
    });
    Some(bytes.filter(|(_, bytes)| *bytes > 0).take(top).collect())
}

fn holder_bytes(snapshot: &Snapshot) -> BTreeMap<String, u64> {
    let mut bytes = BTreeMap::new();
    for holder in snapshot.holders() {
        *bytes.entry(holder.kind.name().to_owned()).or_default() += holder.bytes;
    }
    bytes
}
