//! What is loaded in the kernel's BPF subsystem.

use std::collections::BTreeSet;

use aya::{
    maps::loaded_maps,
    programs::{loaded_links, loaded_programs},
};

/// The ids of loaded programs, maps and links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelObjects {
    /// Programs.
    pub programs: BTreeSet<u32>,
    /// Maps.
    pub maps: BTreeSet<u32>,
    /// Links.
    pub links: BTreeSet<u32>,
}

impl KernelObjects {
    /// What is loaded now. An object that goes away meanwhile is none.
    pub fn now() -> Self {
        Self {
            programs: loaded_programs()
                .flatten()
                .map(|program| program.id())
                .collect(),
            maps: loaded_maps().flatten().map(|map| map.id()).collect(),
            links: loaded_links().flatten().map(|link| link.id()).collect(),
        }
    }

    /// What is loaded now and was not then.
    pub fn since(&self) -> Self {
        let now = Self::now();
        Self {
            programs: &now.programs - &self.programs,
            maps: &now.maps - &self.maps,
            links: &now.links - &self.links,
        }
    }

    /// What of this is still loaded.
    pub fn remaining(&self) -> Self {
        let now = Self::now();
        Self {
            programs: &now.programs & &self.programs,
            maps: &now.maps & &self.maps,
            links: &now.links & &self.links,
        }
    }
}
