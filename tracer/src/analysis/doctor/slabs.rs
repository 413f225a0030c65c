//! Slab caches and callers of vmalloc that grew.

use super::{Facts, sites};
use crate::{
    analysis::{balance::signed, known_owners::KnownOwners, summary},
    model::{
        Cause, Finding, Gravity, Kind, KindChoice, KnownMemory, Remedy, Selection, SlabCache,
        Snapshot, Subject, Sureness, TakenBy, VmallocCaller,
    },
};

/// Those that grew by much while they were watched.
pub(super) fn slabs(facts: &Facts<'_>) -> Vec<Finding> {
    let (before, after) = (&facts.evidence.before, &facts.evidence.after);
    let caches = after.memory.slabs.iter().flatten();
    let caches = caches.filter_map(|it| {
        let growth = growth(it.bytes, cache_bytes(before, it), facts.large)?;
        Some(cache(it, growth, facts))
    });
    let callers = after.memory.vmalloc.iter().flatten();
    let callers = callers.filter_map(|it| {
        let growth = growth(it.bytes, caller_bytes(before, it), facts.large)?;
        Some(caller(it, growth))
    });
    caches.chain(callers).collect()
}

/// By how much something grew, if that is much.
fn growth(after: u64, before: u64, large: u64) -> Option<i64> {
    let grew = after.saturating_sub(before);
    (grew >= large).then(|| signed(grew))
}

fn cache_bytes(snapshot: &Snapshot, cache: &SlabCache) -> u64 {
    let caches = snapshot.memory.slabs.iter().flatten();
    let same = caches.filter(|it| it.name == cache.name);
    same.map(|it| it.bytes).sum()
}

fn caller_bytes(snapshot: &Snapshot, caller: &VmallocCaller) -> u64 {
    let callers = snapshot.memory.vmalloc.iter().flatten();
    let same = callers.filter(|it| it.function == caller.function && it.module == caller.module);
    same.map(|it| it.bytes).sum()
}

/// The kernel drops what reclaimable caches have when memory is short: only where the others grew as a
/// whole, one of them may leak.
fn cache(cache: &SlabCache, growth: i64, facts: &Facts<'_>) -> Finding {
    let owners = KnownOwners::shipped();
    let unreclaimable = facts.balances.growth(Subject::Slab);
    let is_lost = unreclaimable.is_none_or(|it| it >= growth / 2);
    Finding {
        gravity: if is_lost {
            Gravity::Suspicious
        } else {
            Gravity::Information
        },
        bytes: cache.bytes,
        growth_bytes: Some(growth),
        certainty: Sureness::Likely,
        remedies: vec![if is_lost {
            Remedy::of("pagetrace -i 600 --kind slab --sort growth")
        } else {
            Remedy::of("echo 2 > /proc/sys/vm/drop_caches")
        }],
        cause: Cause::SlabCache {
            name: cache.name.clone(),
            taken_by: taken_by(facts),
            known: owners.of_cache(&cache.name).map(KnownMemory::from),
        },
    }
}

/// Who took most slabs.
fn taken_by(facts: &Facts<'_>) -> Option<TakenBy> {
    let selection = Selection {
        kinds: KindChoice::kinds(&[KindChoice::Only(Kind::Slab)]),
        ..Selection::default()
    };
    let summary = summary(facts.evidence.trace.as_ref()?, &selection);
    summary.entries.first().map(sites::taken_by)
}

fn caller(caller: &VmallocCaller, growth: i64) -> Finding {
    let owners = KnownOwners::shipped();
    Finding {
        gravity: Gravity::Suspicious,
        bytes: caller.bytes,
        growth_bytes: Some(growth),
        certainty: Sureness::Likely,
        remedies: vec![Remedy::of("pagetrace -i 600 --kind vmalloc --sort growth")],
        cause: Cause::Vmalloc {
            function: caller.function.clone(),
            module: caller.module.clone(),
            known: owners.of_caller(&caller.function).map(KnownMemory::from),
        },
    }
}
