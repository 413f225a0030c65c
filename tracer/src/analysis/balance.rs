//! The balance of the machine's memory: which line of `/proc/meminfo` holds what, and what none
//! of them holds.
//!
//! A line is counted once. What the lines mean depends on the kernel; the notes beside each say
//! where that was read (mm/meminfo.c is fs/proc/meminfo.c of Linux 6.12).

mod explained;
mod fields;
mod kernel;
mod user;
mod verdict;

use anyhow::Result;

pub use self::explained::explain;
pub(super) use self::fields::{Fields, signed};
use crate::model::{Balance, Feature, Limitation, Line, MemoryCounters, Threshold};

/// The balance of these counters; an error if they lack `MemTotal` or `MemFree`.
pub fn balance(counters: &MemoryCounters, threshold: Threshold) -> Result<Balance> {
    let fields = Fields::of(counters);
    let total = fields.required("MemTotal")?;
    let mut limitations = limitations(counters);
    let known = [
        free(&fields)?,
        user::user(&fields),
        kernel::kernel(&fields, total),
    ];
    let accounted: i64 = known.iter().map(|line| line.bytes).sum();
    let unaccounted = total - accounted;
    let rest = Line::leaf("unaccounted", "MemTotal - all above", unaccounted);
    let tree = Line::of("memory", "MemTotal", known.into_iter().chain([rest]));
    limitations.extend(kernel::limitations(&fields, total));
    Ok(Balance {
        total_bytes: total.unsigned_abs(),
        unaccounted_bytes: unaccounted,
        unexplained_bytes: unaccounted,
        verdict: verdict::verdict(&tree, threshold),
        within: within(&fields),
        tree,
        limitations,
    })
}

/// What nobody uses. Pages on the lists of CPUs are free and not in `MemFree`: after a large
/// free they are hundreds of megabytes.
fn free(fields: &Fields<'_>) -> Result<Line> {
    let listed = fields.required("MemFree")?;
    let mut parts = vec![Line::leaf("free lists", "MemFree", listed)];
    if let Some(zones) = fields.counters.zones {
        let bytes = fields.pages(zones.per_cpu_list_pages);
        parts.push(Line::leaf("free lists of CPUs", "zoneinfo: count", bytes));
    }
    Ok(Line::of("free", "", parts))
}

/// Parts of lines that lie across the tree.
fn within(fields: &Fields<'_>) -> Vec<Line> {
    const WITHIN: [(&str, &str); 10] = [
        ("anonymous, in huge pages", "AnonHugePages"),
        ("shmem, in huge pages", "ShmemHugePages"),
        ("page cache, in huge pages", "FileHugePages"),
        ("unevictable", "Unevictable"),
        ("locked by processes", "Mlocked"),
        ("to be written back", "Dirty"),
        ("swapped out, in memory", "SwapCached"),
        ("zswap's pool", "Zswap"),
        ("free, for CMA", "CmaFree"),
        ("free, not accepted yet", "Unaccepted"),
    ];
    let lines = WITHIN.iter();
    let mut lines: Vec<_> = lines
        .filter_map(|(name, field)| Some(Line::leaf(name, field, fields.optional(field)?)))
        .collect();
    if let Some(zones) = fields.counters.zones {
        let bytes = fields.pages(zones.reserve_pages);
        lines.push(Line::leaf(
            "free, for the kernel only",
            "zoneinfo: min",
            bytes,
        ));
    }
    lines
}

fn limitations(counters: &MemoryCounters) -> Vec<Limitation> {
    let no_zones = counters.zones.is_none().then(|| {
        let reason = "pages on the lists of CPUs are free, and counted as unaccounted here";
        Feature::PerCpuLists
            .degraded(reason)
            .remedied("make /proc/zoneinfo readable")
    });
    no_zones.into_iter().collect()
}

impl Line {
    /// A line of which no more is known.
    pub(super) fn leaf(name: &str, field: &str, bytes: i64) -> Self {
        Self {
            name: name.to_owned(),
            field: field.to_owned(),
            bytes,
            parts: Vec::new(),
        }
    }

    /// The sum of its parts.
    pub(super) fn of(name: &str, field: &str, parts: impl IntoIterator<Item = Self>) -> Self {
        let parts: Vec<_> = parts.into_iter().collect();
        let bytes = parts.iter().map(|line| line.bytes);
        let bytes = bytes.fold(0, i64::saturating_add);
        Self {
            parts,
            ..Self::leaf(name, field, bytes)
        }
    }
}

#[cfg(test)]
#[path = "balance/tests.rs"]
mod tests;
