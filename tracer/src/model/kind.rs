//! Kinds of pages: which line of `/proc/meminfo`, if any, accounts for a page.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Choice, PageState};

/// What a page is at the end of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// No counter has it: the memory that disappears.
    Raw,
    /// Anonymous or file pages in no mapping, held by whoever pinned them: no counter has them.
    Pinned,
    /// Slab objects and large kmallocs (`Slab`).
    Slab,
    /// Behind virtual addresses, kernel stacks among them (`VmallocUsed`).
    Vmalloc,
    /// Per-CPU variables (`Percpu`).
    Percpu,
    /// Page tables (`PageTables`).
    PageTable,
    /// Anonymous memory (`AnonPages`).
    Anonymous,
    /// Page cache and shmem, their huge pages included (`Cached`, `Buffers`).
    File,
    /// Huge pages of hugetlbfs (`HugePages_Total`).
    Hugetlb,
    /// Transparent huge pages of anonymous memory (`AnonHugePages`).
    Thp,
    /// Given back to a hypervisor by a balloon.
    Offline,
    /// Reserved, never to be freed.
    Reserved,
    /// Tables of another pagetrace.
    Tracer,
    /// Free or still taken: what was found does not agree.
    Uncertain,
    /// Raw, or what the kernel did not tell: its flags, its references, the names on its stack.
    Unverified,
}

/// Kinds that the user wants ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindChoice {
    /// What no line of `/proc/meminfo` accounts for.
    Unaccounted,
    /// Every kind.
    All,
    /// One kind.
    Only(Kind),
}

impl Kind {
    const UNACCOUNTED: [Self; 5] = [
        Self::Raw,
        Self::Pinned,
        Self::Offline,
        Self::Reserved,
        Self::Unverified,
    ];

    /// The kind that the flags of a page tell; none for a free page. Of anonymous memory it counts
    /// whether it was taken in a block as large as one entry of a page table's second level maps: a
    /// transparent huge page.
    pub const fn of(state: PageState, is_huge: bool) -> Option<Self> {
        Some(match state {
            PageState::Free => return None,
            PageState::HugeTlb => Self::Hugetlb,
            PageState::HugeZero => Self::Thp,
            PageState::LargeAnonymous if is_huge => Self::Thp,
            PageState::Slab => Self::Slab,
            PageState::PageTable => Self::PageTable,
            PageState::Offline => Self::Offline,
            PageState::Anonymous | PageState::LargeAnonymous => Self::Anonymous,
            PageState::Pinned => Self::Pinned,
            PageState::SwapCache | PageState::PageCache | PageState::MaybePageCache => Self::File,
            PageState::Reserved => Self::Reserved,
            PageState::Unmarked => Self::Raw,
        })
    }

    /// Whether no line of `/proc/meminfo` accounts for it.
    pub fn is_unaccounted(self) -> bool {
        Self::UNACCOUNTED.contains(&self)
    }

    const fn described(self) -> (&'static str, &'static str) {
        match self {
            Self::Raw => (
                "raw",
                "No owner that any counter knows: the memory that disappears",
            ),
            Self::Pinned => (
                "pinned",
                "Anonymous or file pages in no mapping, held by whoever pinned them",
            ),
            Self::Slab => ("slab", "Slab objects and large kmallocs (`Slab`)"),
            Self::Vmalloc => (
                "vmalloc",
                "Behind virtual addresses, kernel stacks among them (`VmallocUsed`)",
            ),
            Self::Percpu => ("percpu", "Per-CPU variables (`Percpu`)"),
            Self::PageTable => ("page-table", "Page tables (`PageTables`)"),
            Self::Anonymous => ("anonymous", "Anonymous memory (`AnonPages`)"),
            Self::File => (
                "file",
                "Page cache and shmem, their huge pages included (`Cached`, `Buffers`)",
            ),
            Self::Hugetlb => ("hugetlb", "Huge pages of hugetlbfs (`HugePages_Total`)"),
            Self::Thp => (
                "thp",
                "Transparent huge pages of anonymous memory (`AnonHugePages`)",
            ),
            Self::Offline => ("offline", "Given back to a hypervisor by a balloon"),
            Self::Reserved => ("reserved", "Reserved, never to be freed"),
            Self::Tracer => ("tracer", "Tables of another pagetrace"),
            Self::Uncertain => (
                "uncertain",
                "Free or still taken: what was found does not agree",
            ),
            Self::Unverified => ("unverified", "Raw, or what the kernel did not tell"),
        }
    }
}

impl Choice for Kind {
    const ALL: &'static [Self] = &[
        Self::Raw,
        Self::Pinned,
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
        Self::Tracer,
        Self::Uncertain,
        Self::Unverified,
    ];

    fn name(self) -> &'static str {
        self.described().0
    }

    fn help(self) -> &'static str {
        self.described().1
    }
}

impl KindChoice {
    /// The kinds that `choices` stand for.
    pub fn kinds(choices: &[Self]) -> BTreeSet<Kind> {
        let kinds = |choice: &Self| match choice {
            Self::Unaccounted => Kind::UNACCOUNTED.to_vec(),
            Self::All => Kind::ALL.to_vec(),
            // Nobody can tell whether an unverified page is raw.
            Self::Only(Kind::Raw) => vec![Kind::Raw, Kind::Unverified],
            Self::Only(kind) => vec![*kind],
        };
        choices.iter().flat_map(kinds).collect()
    }
}

impl Choice for KindChoice {
    const ALL: &'static [Self] = &[
        Self::Unaccounted,
        Self::All,
        Self::Only(Kind::Raw),
        Self::Only(Kind::Pinned),
        Self::Only(Kind::Slab),
        Self::Only(Kind::Vmalloc),
        Self::Only(Kind::Percpu),
        Self::Only(Kind::PageTable),
        Self::Only(Kind::Anonymous),
        Self::Only(Kind::File),
        Self::Only(Kind::Hugetlb),
        Self::Only(Kind::Thp),
        Self::Only(Kind::Offline),
        Self::Only(Kind::Reserved),
        Self::Only(Kind::Tracer),
        Self::Only(Kind::Uncertain),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Unaccounted => "unaccounted",
            Self::All => "all",
            Self::Only(kind) => kind.name(),
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Unaccounted => {
                "What no line of /proc/meminfo accounts for: raw, pinned, offline, reserved, \
                 unverified"
            }
            Self::All => "Every kind",
            Self::Only(kind) => kind.help(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_made_of_kinds() {
        let kinds = |names: &[&str]| {
            let choice = |name: &&str| KindChoice::named(name).expect("a choice");
            KindChoice::kinds(&names.iter().map(choice).collect::<Vec<_>>())
        };
        assert_eq!(kinds(&["all"]).len(), Kind::ALL.len());
        assert_eq!(
            kinds(&["slab", "page-table"]),
            [Kind::Slab, Kind::PageTable].into()
        );
        assert!(kinds(&["unaccounted"]).contains(&Kind::Raw));
        assert!(!kinds(&["unaccounted"]).contains(&Kind::Slab));
    }

    #[test]
    fn a_huge_page_is_one_by_its_size() {
        let kind = |is_huge| Kind::of(PageState::LargeAnonymous, is_huge);
        assert_eq!(kind(true), Some(Kind::Thp));
        assert_eq!(kind(false), Some(Kind::Anonymous));
        assert_eq!(Kind::of(PageState::PageCache, true), Some(Kind::File));
    }

    #[test]
    fn doubts_are_not_ranked_unless_asked_for() {
        let unaccounted = KindChoice::kinds(&[KindChoice::Unaccounted]);
        assert!(unaccounted.contains(&Kind::Pinned));
        for kind in [Kind::Uncertain, Kind::Tracer] {
            assert!(!unaccounted.contains(&kind), "{kind:?}");
            assert!(KindChoice::named(kind.name()).is_some(), "{kind:?}");
        }
    }

    #[test]
    fn a_kind_has_one_name_everywhere() {
        for &kind in Kind::ALL {
            let json = serde_json::to_string(&kind).expect("a string");
            assert_eq!(json.trim_matches('"'), kind.name());
        }
    }
}
