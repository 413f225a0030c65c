//! Memory of the kernel that has a counter.

use super::fields::Fields;
use crate::model::{Feature, Limitation, Line};

/// Every line of kernel memory. `total` is that of the machine.
pub(super) fn kernel(fields: &Fields<'_>, total: i64) -> Line {
    let lines = [
        slab(fields),
        leaf(fields, "kernel stacks", "KernelStack"),
        vmalloc(fields),
        leaf(fields, "page tables", "PageTables"),
        leaf(fields, "page tables of KVM and IOMMU", "SecPageTables"),
        leaf(fields, "per-CPU memory", "Percpu"),
        zsmalloc(fields),
        gpu(fields, total),
        balloon(fields),
        leaf(fields, "bounce buffers", "Bounce"),
        leaf(fields, "write-back copies", "WritebackTmp"),
        leaf(fields, "broken page frames", "HardwareCorrupted"),
    ];
    Line::of("kernel, with a counter", "", lines.into_iter().flatten())
}

fn leaf(fields: &Fields<'_>, name: &str, field: &str) -> Option<Line> {
    Some(Line::leaf(name, field, fields.optional(field)?))
}

/// `KReclaimable` holds `SReclaimable` and what drivers give back when asked.
fn slab(fields: &Fields<'_>) -> Option<Line> {
    let reclaimable = leaf(fields, "reclaimable slab", "SReclaimable")?;
    let others = fields.optional("KReclaimable").map(|all| {
        let bytes = all - reclaimable.bytes;
        Line::leaf(
            "reclaimable memory of drivers",
            "KReclaimable - SReclaimable",
            bytes,
        )
    });
    let parts = [
        leaf(fields, "unreclaimable slab", "SUnreclaim"),
        Some(reclaimable),
        others,
    ];
    Some(Line::of(
        "slab",
        "Slab, KReclaimable",
        parts.into_iter().flatten(),
    ))
}

/// What vmalloc has. Stacks lie there (`CONFIG_VMAP_STACK`), and are in both counters.
fn vmalloc(fields: &Fields<'_>) -> Option<Line> {
    let used = fields
        .optional("VmallocUsed")
        .filter(|_| !counts_addresses(fields))?;
    let stacks = fields.bytes("KernelStack");
    let (field, bytes) = if used >= stacks {
        ("VmallocUsed - KernelStack", used - stacks)
    } else {
        ("VmallocUsed", used)
    };
    Some(Line::leaf("vmalloc", field, bytes))
}

/// Before Linux 4.4 the line counts addresses, with or without memory behind them; only there
/// `VmallocChunk` is not 0 (a5ad88ce8c7f).
fn counts_addresses(fields: &Fields<'_>) -> bool {
    fields.bytes("VmallocChunk") > 0
}

/// What zram and zswap keep compressed: movable, and in no line of `/proc/meminfo`.
fn zsmalloc(fields: &Fields<'_>) -> Option<Line> {
    let bytes = fields.vmstat_pages("nr_zspages")?;
    Some(Line::leaf(
        "compressed swap (zsmalloc)",
        "nr_zspages",
        bytes,
    ))
}

/// System memory of GPUs (Linux 7.1 and later). A driver may count what is not memory of this
/// machine; no more than all of it can be.
fn gpu(fields: &Fields<'_>, total: i64) -> Option<Line> {
    let bytes = gpu_bytes(fields)?;
    Some(Line::leaf(
        "GPU",
        "GPUActive + GPUReclaim",
        bytes.min(total),
    ))
}

fn gpu_bytes(fields: &Fields<'_>) -> Option<i64> {
    Some(fields.optional("GPUActive")? + fields.bytes("GPUReclaim"))
}

/// Pages that were given back to the hypervisor, where `MemTotal` still has them.
fn balloon(fields: &Fields<'_>) -> Option<Line> {
    let bytes = fields.optional("Balloon")?;
    fields
        .counters
        .balloon_is_in_total
        .then(|| Line::leaf("balloon", "Balloon", bytes))
}

/// What a line does not mean here.
pub(super) fn limitations(fields: &Fields<'_>, total: i64) -> Vec<Limitation> {
    let mut limitations = Vec::new();
    if counts_addresses(fields) {
        limitations.push(Feature::VmallocBytes.degraded(
            "VmallocUsed counts addresses on this kernel: memory of vmalloc is in what is \
             unaccounted",
        ));
    }
    if gpu_bytes(fields).is_some_and(|bytes| bytes > total) {
        limitations.push(Feature::GpuMemory.degraded(
            "the driver counts more GPU memory than the machine has: the sum cannot be right",
        ));
    }
    limitations
}
