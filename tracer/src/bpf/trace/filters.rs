//! What is to be recorded, as the programs are told before they are loaded.

use std::ops::RangeInclusive;

use tracer_ebpf::{MAX_ORDER, NOBODY};

use crate::{kernel::cgroup::Cgroup, model::Scope};

/// What the user wants recorded. All of it is tested before any other work is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filters {
    /// With or without movable pages.
    pub scope: Scope,
    /// Orders of allocations.
    pub orders: RangeInclusive<u32>,
    /// gfp flags of allocations.
    pub gfp: GfpFilter,
    /// The one process.
    pub process: Option<Process>,
    /// The one cgroup, with all below it.
    pub cgroup: Option<Cgroup>,
    /// Page frames: those of one NUMA node.
    pub frames: Option<RangeInclusive<u64>>,
}

/// Which gfp flags an allocation must and must not have, in the running kernel's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GfpFilter {
    /// All of these.
    pub required: u32,
    /// None of these.
    pub excluded: u32,
}

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// The namespace that the id is one in; none for the initial one.
    pub namespace: Option<ProcessNamespace>,
}

/// A namespace of process ids, by its file in `/proc/*/ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessNamespace {
    /// Device of the file.
    pub device: u64,
    /// Inode of the file.
    pub inode: u64,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            orders: 0..=MAX_ORDER,
            gfp: GfpFilter::default(),
            process: None,
            cgroup: None,
            frames: None,
        }
    }
}

impl Filters {
    /// The orders as the programs take them: those that pagetrace has no slots
    /// for are let through unless the user bounds them, to be counted.
    pub(super) fn order_bounds(&self) -> [u32; 2] {
        let greatest = match *self.orders.end() {
            MAX_ORDER => u32::MAX,
            order => order,
        };
        [*self.orders.start(), greatest]
    }

    pub(super) fn frame_bounds(&self) -> [u64; 2] {
        let frames = self.frames.as_ref();
        frames.map_or([0, u64::MAX], |frames| [*frames.start(), *frames.end()])
    }

    pub(super) fn only_process(&self) -> u32 {
        self.process.map_or(NOBODY, |process| process.id)
    }

    pub(super) fn namespace(&self) -> [u64; 2] {
        let namespace = self.process.and_then(|process| process.namespace);
        namespace.map_or([0, 0], |namespace| [namespace.device, namespace.inode])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out_unless_asked_for() {
        let filters = Filters::default();
        assert_eq!(filters.order_bounds(), [0, u32::MAX]);
        assert_eq!(filters.frame_bounds(), [0, u64::MAX]);
        assert_eq!(filters.only_process(), NOBODY);
    }

    #[test]
    fn bounds_are_inclusive() {
        let filters = Filters {
            orders: 2..=3,
            frames: Some(5..=9),
            ..Filters::default()
        };
        assert_eq!(filters.order_bounds(), [2, 3]);
        assert_eq!(filters.frame_bounds(), [5, 9]);
    }
}
