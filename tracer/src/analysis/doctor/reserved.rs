//! Memory that was set aside, and memory that the kernel gives back by itself: no leak, and often
//! taken for one.

use super::{Facts, known, shmem::quoted};
use crate::{
    analysis::balance::signed,
    model::{Cause, Finding, Gravity, HolderKind, KnownHolder, Remedy, Subject, Sureness},
};

/// What of it is much.
pub(super) fn reserved(facts: &Facts<'_>) -> Vec<Finding> {
    let pools = facts.evidence.after.memory.huge_pages.iter();
    let pools = pools.map(|pool| {
        let name = format!("huge pages of {} KiB", pool.page_bytes >> 10);
        let folder = format!(
            "/sys/kernel/mm/hugepages/hugepages-{}kB",
            pool.page_bytes >> 10
        );
        let lower = Remedy::giving(format!("echo 0 > {folder}/nr_hugepages"), pool.idle_bytes());
        set_aside(name, pool.bytes(), vec![lower])
    });
    let holders = facts.evidence.after.holders().iter();
    // What was walked is a finding by itself, with its process.
    let is_walked = facts.evidence.after.page_holders.is_some();
    let holders = holders.filter(|it| !is_walked || !it.kind.is_walked());
    let holders = holders.map(|it| of_holder(it, facts));
    let all = pools.chain(holders).chain(page_cache(facts));
    all.filter(|it| it.bytes >= facts.large).collect()
}

fn set_aside(name: String, bytes: u64, remedies: Vec<Remedy>) -> Finding {
    Finding {
        gravity: Gravity::Information,
        cause: Cause::Reserved { name, holder: None },
        bytes,
        growth_bytes: None,
        certainty: Sureness::Counted,
        remedies,
    }
}

fn of_holder(holder: &KnownHolder, facts: &Facts<'_>) -> Finding {
    let look = known::of_kind(holder.kind).map(|it| it.look.as_str());
    let command = lowers(holder.kind).or(look);
    Finding {
        cause: Cause::Reserved {
            name: holder.kind.name().to_owned(),
            holder: holder.parts.first().map(|it| it.name.clone()),
        },
        growth_bytes: Some(growth(holder, facts)),
        ..set_aside(
            String::new(),
            holder.bytes,
            command.map(Remedy::of).into_iter().collect(),
        )
    }
}

/// By how much it grew.
pub(super) fn growth(holder: &KnownHolder, facts: &Facts<'_>) -> i64 {
    let before = facts.evidence.before.holders().iter();
    let before = before.filter(|it| it.kind == holder.kind);
    let before = before.map(|it| it.bytes).fold(0, u64::saturating_add);
    signed(holder.bytes).saturating_sub(signed(before))
}

/// What lowers a reserve.
const fn lowers(kind: HolderKind) -> Option<&'static str> {
    Some(match kind {
        HolderKind::ZfsArc => "echo BYTES > /sys/module/zfs/parameters/zfs_arc_max",
        HolderKind::Balloon => "ask the hypervisor to deflate the balloon",
        HolderKind::Gpu | HolderKind::DmaBufs | HolderKind::DmaBufHeap => {
            "close the program that draws with it: pagetrace mem -v names it"
        }
        HolderKind::TraceBuffers => "echo 1 > /sys/kernel/tracing/buffer_size_kb",
        HolderKind::Zram => "swapoff the zram device, then echo 1 > /sys/block/zramN/reset",
        _ => return None,
    })
}

/// Said where it is a quarter of memory: people ask.
fn page_cache(facts: &Facts<'_>) -> Option<Finding> {
    let bytes = u64::try_from(facts.balances.bytes(Subject::PageCache)?).ok()?;
    (bytes >= facts.balances.after.total_bytes / 4).then(|| Finding {
        gravity: Gravity::Information,
        cause: Cause::PageCache,
        bytes,
        growth_bytes: facts.balances.growth(Subject::PageCache),
        certainty: Sureness::Counted,
        remedies: reclaim(facts).into_iter().collect(),
    })
}

/// Has the control group give back nine tenths of what it can that has most of it, if that is much. The
/// kernel says EAGAIN where it found less than it was asked for (`memory_reclaim`, mm/memcontrol.c), and
/// slabs may stay.
fn reclaim(facts: &Facts<'_>) -> Option<Remedy> {
    let processes = facts.evidence.after.processes.as_ref()?;
    let files = processes
        .cgroups
        .iter()
        .filter_map(|it| it.reclaim.as_ref());
    let most = files.max_by_key(|it| it.bytes)?;
    let mib = (most.bytes / 10 * 9) >> 20;
    let command = format!("echo {mib}M > {}", quoted(&most.file));
    (most.bytes >= facts.large).then(|| Remedy::giving(command, mib << 20))
}
