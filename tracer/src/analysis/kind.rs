//! Kinds of pages: which line of `/proc/meminfo`, if any, accounts for a page.

use std::collections::BTreeSet;

use clap::{ValueEnum, builder::PossibleValue};
use serde::Serialize;

use crate::kernel::pageflags::PageState;

/// What a page is at the end of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// No owner that any counter knows: the memory that disappears
    Raw,
    /// Slab objects and large kmallocs (`Slab`)
    Slab,
    /// Behind virtual addresses, kernel stacks among them (`VmallocUsed`)
    Vmalloc,
    /// Per-CPU variables (`Percpu`)
    Percpu,
    /// Page tables (`PageTables`)
    PageTable,
    /// Anonymous memory (`AnonPages`)
    Anonymous,
    /// Page cache and shmem (`Cached`, `Buffers`)
    File,
    /// Huge pages of hugetlbfs (`HugePages_Total`)
    Hugetlb,
    /// Transparent huge pages (`AnonHugePages` and its like)
    Thp,
    /// Given back to a hypervisor by a balloon
    Offline,
    /// Reserved, never to be freed
    Reserved,
    /// Not known, as the kernel did not tell
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
    /// The kinds that `choices` stand for.
    pub fn kinds(choices: &[Self]) -> BTreeSet<Kind> {
        let kinds = |choice: &Self| match choice {
            Self::Unaccounted => Kind::UNACCOUNTED.to_vec(),
            Self::All => Kind::value_variants().to_vec(),
            // Nobody can tell whether an unverified page is raw.
            Self::Only(Kind::Raw) => vec![Kind::Raw, Kind::Unverified],
            Self::Only(kind) => vec![*kind],
        };
        choices.iter().flat_map(kinds).collect()
    }
}

impl ValueEnum for KindChoice {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [KindChoice; 13] = [
            KindChoice::Unaccounted,
            KindChoice::All,
            KindChoice::Only(Kind::Raw),
            KindChoice::Only(Kind::Slab),
            KindChoice::Only(Kind::Vmalloc),
            KindChoice::Only(Kind::Percpu),
            KindChoice::Only(Kind::PageTable),
            KindChoice::Only(Kind::Anonymous),
            KindChoice::Only(Kind::File),
            KindChoice::Only(Kind::Hugetlb),
            KindChoice::Only(Kind::Thp),
            KindChoice::Only(Kind::Offline),
            KindChoice::Only(Kind::Reserved),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Only(kind) => return kind.to_possible_value(),
            Self::Unaccounted => (
                "unaccounted",
                "What no line of /proc/meminfo accounts for: raw, offline, reserved, unverified",
            ),
            Self::All => ("all", "Every kind"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_made_of_kinds() {
        let kinds = |names: &[&str]| {
            let choice = |name: &&str| KindChoice::from_str(name, false).expect("a choice");
            KindChoice::kinds(&names.iter().map(choice).collect::<Vec<_>>())
        };
        assert_eq!(kinds(&["all"]).len(), Kind::value_variants().len());
        assert_eq!(
            kinds(&["slab", "page-table"]),
            [Kind::Slab, Kind::PageTable].into()
        );
        assert!(kinds(&["unaccounted"]).contains(&Kind::Raw));
        assert!(!kinds(&["unaccounted"]).contains(&Kind::Slab));
    }
}
