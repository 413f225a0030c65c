//! Counters by the kernel's names, in bytes.

use anyhow::{Context as _, Result};

use crate::model::MemoryCounters;

/// The counters, looked up by name.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) counters: &'a MemoryCounters,
}

impl<'a> Fields<'a> {
    pub(super) const fn of(counters: &'a MemoryCounters) -> Self {
        Self { counters }
    }

    /// A line of `/proc/meminfo` without which there is no balance.
    pub(super) fn required(&self, name: &str) -> Result<i64> {
        let found = self.optional(name);
        found.with_context(|| format!("/proc/meminfo has no readable line {name}"))
    }

    /// A line of `/proc/meminfo`, if this kernel has it.
    pub(super) fn optional(&self, name: &str) -> Option<i64> {
        self.counters.meminfo.get(name).copied().map(signed)
    }

    /// The same, where a missing line leaves the sum as it is.
    pub(super) fn bytes(&self, name: &str) -> i64 {
        self.optional(name).unwrap_or(0)
    }

    /// A line of `/proc/vmstat` that counts pages.
    pub(super) fn vmstat_pages(&self, name: &str) -> Option<i64> {
        Some(self.pages(*self.counters.vmstat.get(name)?))
    }

    pub(super) fn pages(&self, pages: u64) -> i64 {
        signed(pages.saturating_mul(self.counters.page_size))
    }
}

/// No machine has 8 EiB.
fn signed(bytes: u64) -> i64 {
    bytes.try_into().unwrap_or(i64::MAX)
}
