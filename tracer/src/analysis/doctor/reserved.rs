//! Memory that was set aside, and memory that the kernel gives back by itself: no leak, and often
//! taken for one.

use super::Facts;
use crate::model::{Cause, Finding, Gravity, HolderKind, KnownHolder, Remedy, Subject, Sureness};

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
    let holders = holders.filter_map(|holder| {
        let name = holder.kind.name().to_owned();
        Some(set_aside(name, holder.bytes, remedies(holder)?))
    });
    let all = pools.chain(holders).chain(page_cache(facts));
    all.filter(|it| it.bytes >= facts.large).collect()
}

fn set_aside(name: String, bytes: u64, remedies: Vec<Remedy>) -> Finding {
    Finding {
        gravity: Gravity::Information,
        cause: Cause::Reserved { name },
        bytes,
        growth_bytes: None,
        certainty: Sureness::Counted,
        remedies,
    }
}

/// What lowers a reserve; none of what is no reserve.
fn remedies(holder: &KnownHolder) -> Option<Vec<Remedy>> {
    let command = match holder.kind {
        HolderKind::ZfsArc => "echo BYTES > /sys/module/zfs/parameters/zfs_arc_max",
        HolderKind::Balloon => "ask the hypervisor to deflate the balloon",
        HolderKind::Gpu | HolderKind::DmaBufs | HolderKind::DmaBufHeap => {
            "close the program that draws with it: pagetrace mem -v names it"
        }
        HolderKind::TraceBuffers => "echo 1 > /sys/kernel/tracing/buffer_size_kb",
        HolderKind::Zram => "swapoff the zram device, then echo 1 > /sys/block/zramN/reset",
        _ => return None,
    };
    Some(vec![Remedy::of(command)])
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
        remedies: Vec::new(),
    })
}
