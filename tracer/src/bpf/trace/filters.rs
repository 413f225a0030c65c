//! What is to be recorded, as the programs are told before they are loaded.

use std::ops::RangeInclusive;

use tracer_ebpf::{FilterConfig, MAX_ORDER};

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
    /// The filters as the programs take them, but for what they leave out unasked. Orders that
    /// pagetrace has no slots for are let through unless the user bounds them, to be counted.
    pub(super) fn config(&self) -> FilterConfig {
        let mut config = FilterConfig {
            least_order: *self.orders.start(),
            greatest_order: match *self.orders.end() {
                MAX_ORDER => u32::MAX,
                order => order,
            },
            gfp_required: self.gfp.required,
            gfp_excluded: self.gfp.excluded,
            ..FilterConfig::DEFAULT
        };
        if let Some(frames) = &self.frames {
            (config.first_frame, config.last_frame) = (*frames.start(), *frames.end());
        }
        if let Some(cgroup) = self.cgroup {
            (config.cgroup, config.cgroup_level) = (cgroup.id, cgroup.level);
        }
        if let Some(Process { id, namespace }) = self.process {
            config.process = id;
            config.namespace_device = namespace.map_or(0, |it| it.device);
            config.namespace_inode = namespace.map_or(0, |it| it.inode);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out_unless_asked_for() {
        assert_eq!(Filters::default().config(), FilterConfig::DEFAULT);
    }

    #[test]
    fn bounds_are_inclusive() {
        let filters = Filters {
            orders: 2..=3,
            frames: Some(5..=9),
            ..Filters::default()
        };
        let config = filters.config();
        assert_eq!((config.least_order, config.greatest_order), (2, 3));
        assert_eq!((config.first_frame, config.last_frame), (5, 9));
    }

    #[test]
    fn a_process_has_the_id_of_its_namespace() {
        let namespace = ProcessNamespace {
            device: 4,
            inode: 40,
        };
        let process = |namespace| Filters {
            process: Some(Process { id: 7, namespace }),
            ..Filters::default()
        };
        let expected = FilterConfig {
            process: 7,
            ..FilterConfig::DEFAULT
        };
        assert_eq!(process(None).config(), expected);
        let expected = FilterConfig {
            namespace_device: 4,
            namespace_inode: 40,
            ..expected
        };
        assert_eq!(process(Some(namespace)).config(), expected);
    }
}
