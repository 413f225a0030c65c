//! Every page frame, counted by what its flags say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many page frames there are of each class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Page frames by class.
    pub pages: BTreeMap<PageClass, u64>,
}

/// What a page frame is, as far as flags tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageClass {
    /// On the free lists of the buddy allocator.
    Free,
    /// Anonymous memory, mapped or not.
    Anonymous,
    /// Page cache and shmem.
    File,
    /// Huge pages of hugetlbfs.
    Hugetlb,
    /// Slab objects, without large kmallocs.
    Slab,
    /// Page tables.
    PageTable,
    /// Given back to a hypervisor.
    Offline,
    /// No flag: kernel memory with a counter and without, pages on lists of CPUs, and free
    /// memory that was never used.
    Unmarked,
    /// Never managed by the page allocator.
    Reserved,
    /// No memory at all.
    Absent,
}

impl Census {
    /// Pages of these classes.
    pub fn of(&self, classes: &[PageClass]) -> u64 {
        let pages = classes.iter().filter_map(|class| self.pages.get(class));
        pages.fold(0, |sum, &pages| sum.saturating_add(pages))
    }
}

/// One kind of memory, by the kernel's counters and by its pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusRow {
    /// What it is.
    pub name: String,
    /// By the counters.
    pub counters_bytes: i64,
    /// By the pages.
    pub census_bytes: i64,
    /// What can make the difference.
    pub explanation: String,
}
