//! Kinds of pages: which line of `/proc/meminfo`, if any, accounts for a page.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::kernel::pageflags::PageState;

/// What a page is at the end of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// No owner that any counter knows: the memory that disappears.
    Raw,
    /// Slab objects, and large kmallocs, which count as such (`Slab`).
    Slab,
    /// Behind virtual addresses, kernel stacks among them (`VmallocUsed`).
    Vmalloc,
    /// Per-CPU variables (`Percpu`).
    Percpu,
    /// A page table (`PageTables`).
    PageTable,
    /// Anonymous memory (`AnonPages`).
    Anonymous,
    /// Page cache or shmem (`Cached`, `Buffers`).
    File,
    /// Huge pages of hugetlbfs (`HugePages_Total`).
    Hugetlb,
    /// Transparent huge pages (`AnonHugePages`, `ShmemHugePages`, `FileHugePages`).
    Thp,
    /// Given back to a hypervisor by a balloon.
    Offline,
    /// Reserved, never to be freed.
    Reserved,
    /// Not known, as the kernel did not tell.
    Unverified,
}

/// Kinds that the user wants ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum KindChoice {
    /// What no line of /proc/meminfo accounts for: raw, offline, reserved, and unverified
    Unaccounted,
    /// Every kind
    All,
    /// No owner that any counter knows
    Raw,
    /// Slab objects and large kmallocs
    Slab,
    /// Behind virtual addresses, kernel stacks among them
    Vmalloc,
    /// Per-CPU variables
    Percpu,
    /// Page tables
    PageTable,
    /// Anonymous memory
    Anonymous,
    /// Page cache and shmem
    File,
    /// Huge pages of hugetlbfs
    Hugetlb,
    /// Transparent huge pages
    Thp,
    /// Given back to a hypervisor by a balloon
    Offline,
    /// Reserved pages
    Reserved,
}

impl Kind {
    /// Every kind, the most suspicious first.
    pub const ALL: [Self; 12] = [
        Self::Raw,
        Self::Slab,
        Self::Vmalloc,
        Self::Percpu,
        Self::PageTable,
        Self::Anonymous,
        Self::File,
        Self::Hugetlb,
        Self::Thp,
        Self::Offline,
        Self::Reserved,
        Self::Unverified,
    ];

    const UNACCOUNTED: [Self; 4] = [Self::Raw, Self::Offline, Self::Reserved, Self::Unverified];

    /// The kind that page flags tell; none for a free page.
    pub(super) const fn of(state: PageState) -> Option<Self> {
        Some(match state {
            PageState::Free => return None,
            PageState::HugeTlb => Self::Hugetlb,
            PageState::Thp => Self::Thp,
            PageState::Slab => Self::Slab,
            PageState::PageTable => Self::PageTable,
            PageState::Offline => Self::Offline,
            PageState::Anonymous => Self::Anonymous,
            PageState::File => Self::File,
            PageState::Reserved => Self::Reserved,
            PageState::Unmarked => Self::Raw,
        })
    }
}

impl KindChoice {
    /// The kinds that one of `choices` stands for.
    pub fn kinds(choices: &[Self]) -> BTreeSet<Kind> {
        choices.iter().flat_map(|it| it.these()).copied().collect()
    }

    const fn these(self) -> &'static [Kind] {
        match self {
            Self::Unaccounted => &Kind::UNACCOUNTED,
            Self::All => &Kind::ALL,
            // Nobody can tell whether an unverified page is raw.
            Self::Raw => &[Kind::Raw, Kind::Unverified],
            Self::Slab => &[Kind::Slab],
            Self::Vmalloc => &[Kind::Vmalloc],
            Self::Percpu => &[Kind::Percpu],
            Self::PageTable => &[Kind::PageTable],
            Self::Anonymous => &[Kind::Anonymous],
            Self::File => &[Kind::File],
            Self::Hugetlb => &[Kind::Hugetlb],
            Self::Thp => &[Kind::Thp],
            Self::Offline => &[Kind::Offline],
            Self::Reserved => &[Kind::Reserved],
        }
    }
}
