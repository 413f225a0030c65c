//! Counters by the kernel's names, in bytes.

use anyhow::{Context as _, Result};

use crate::model::MemoryCounters;

/// The counters, looked up by name.
#[derive(Clone, Copy)]
pub(in crate::analysis) struct Fields<'a> {
    pub(in crate::analysis) counters: &'a MemoryCounters,
}

impl<'a> Fields<'a> {
    pub(in crate::analysis) const fn of(counters: &'a MemoryCounters) -> Self {
        Self { counters }
    }

    /// A line of `/proc/meminfo` without which there is no balance.
    pub(in crate::analysis) fn required(&self, name: &str) -> Result<i64> {
        let found = self.optional(name);
        found.with_context(|| format!("/proc/meminfo has no readable line {name}"))
    }

    /// A line of `/proc/meminfo`, if this kernel has it.
    pub(in crate::analysis) fn optional(&self, name: &str) -> Option<i64> {
        self.counters.meminfo.get(name).copied().map(signed)
    }

    /// The same, where a missing line leaves the sum as it is.
    pub(in crate::analysis) fn bytes(&self, name: &str) -> i64 {
        self.optional(name).unwrap_or(0)
    }

    /// A line of `/proc/vmstat` that counts pages.
    pub(in crate::analysis) fn vmstat_pages(&self, name: &str) -> Option<i64> {
        Some(self.pages(*self.counters.vmstat.get(name)?))
    }

    pub(in crate::analysis) fn pages(&self, pages: u64) -> i64 {
        signed(pages.saturating_mul(self.counters.page_size))
    }
}

/// No machine has 64 PiB; a file can say so, and sums of such numbers still are numbers.
pub(in crate::analysis) fn signed(bytes: u64) -> i64 {
    const MOST: i64 = 1 << 56;
    i64::try_from(bytes).map_or(MOST, |bytes| bytes.min(MOST))
}
