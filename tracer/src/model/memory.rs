//! What the kernel counts of the machine's memory, as read at one moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Every counter that a balance is made of. What could not be read is missing, and never zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryCounters {
    /// Bytes in a page frame.
    pub page_size: u64,
    /// The lines of `/proc/meminfo` that are in kB, in bytes.
    pub meminfo: BTreeMap<String, u64>,
    /// `/proc/vmstat`, in what each line counts.
    pub vmstat: BTreeMap<String, u64>,
    /// What the zones have, together.
    pub zones: Option<ZoneTotals>,
    /// The pools of huge pages, of every size.
    pub huge_pages: Vec<HugePages>,
    /// The caches of the slab allocator.
    pub slabs: Option<Vec<SlabCache>>,
    /// What vmalloc handed out, by caller.
    pub vmalloc: Option<Vec<VmallocCaller>>,
    /// Memory control groups that were deleted, and still exist as something is charged to them.
    pub dying_memory_cgroups: Option<u64>,
    /// Whether pages in a balloon are part of `MemTotal`: some drivers lower it, and some do not.
    pub balloon_is_in_total: bool,
}

/// Page frames of all zones (`/proc/zoneinfo`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneTotals {
    /// From the first of each zone to its last, with the holes in between.
    pub spanned_pages: u64,
    /// That exist.
    pub present_pages: u64,
    /// That the page allocator manages.
    pub managed_pages: u64,
    /// Below which only the kernel itself may take free ones (`min`).
    pub reserve_pages: u64,
    /// On the lists of single CPUs: free, and not in `MemFree`.
    pub per_cpu_list_pages: u64,
}

/// The huge pages of one size (`/sys/kernel/mm/hugepages`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HugePages {
    /// The size of each.
    pub page_bytes: u64,
    /// How many there are.
    pub total: u64,
    /// How many nobody uses.
    pub free: u64,
    /// How many of the free ones were promised to somebody.
    pub reserved: u64,
    /// How many are more than were asked for, and go back when they are free.
    pub surplus: u64,
}

impl HugePages {
    /// Bytes that are set aside and of use to nobody: neither used nor promised.
    pub fn idle_bytes(&self) -> u64 {
        self.free
            .min(self.total)
            .saturating_sub(self.reserved)
            .saturating_mul(self.page_bytes)
    }

    /// Bytes of all of them.
    pub const fn bytes(&self) -> u64 {
        self.total.saturating_mul(self.page_bytes)
    }
}

/// One cache of the slab allocator (`/proc/slabinfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlabCache {
    /// Its name.
    pub name: String,
    /// Bytes of its slabs, with what is free in them.
    pub bytes: u64,
    /// Objects in use.
    pub objects: u64,
    /// Bytes of an object.
    pub object_bytes: u64,
}

/// One caller of vmalloc (`/proc/vmallocinfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmallocCaller {
    /// The function that asked, without an offset.
    pub function: String,
    /// Its module, if it is of one.
    pub module: Option<String>,
    /// Bytes of pages that it was given.
    pub bytes: u64,
    /// How many areas they are in.
    pub areas: u64,
}
