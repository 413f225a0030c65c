//! What page frames belong to, by name: slab caches, network devices, memory control groups.

use std::collections::HashMap;

use super::KernelMemory;
use crate::{
    kernel::{btf::Btf, read_memory::ReadMemory as _},
    model::{PageKey, PageUse},
};

/// Where in the kernel's structs the names are, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnerLayout {
    /// The text of a cache's name (`kmem_cache.name`).
    cache_name: Option<u64>,
    pool: Option<PoolLayout>,
    group: Option<GroupLayout>,
}

/// From a page pool to the name of its device (Linux 6.8).
#[derive(Clone, Copy, Debug)]
struct PoolLayout {
    device: u64,
    device_name: u64,
}

/// From an object control group, or a memory control group, to the folder's name.
#[derive(Clone, Copy, Debug)]
struct GroupLayout {
    /// Where an object control group points to its memory control group (Linux 5.11).
    memory_group: Option<u64>,
    group: u64,
    folder: u64,
    name: u64,
    parent: u64,
}

impl OwnerLayout {
    /// As far as BTF describes them.
    pub fn of(btf: &Btf<'_>) -> Self {
        Self {
            cache_name: offset(btf, "kmem_cache", "name"),
            pool: PoolLayout::of(btf),
            group: GroupLayout::of(btf),
        }
    }

    /// The name of what these page frames belong to; none if they belong to nothing, or to something
    /// that went away meanwhile.
    fn name(&self, memory: &mut KernelMemory, key: &PageKey) -> Option<String> {
        match key.page_use {
            PageUse::Slab => self.cache(memory, key.owner),
            PageUse::PagePool => self.pool?.name(memory, key.owner),
            PageUse::Charged => self.group?.path(memory, key.owner),
            _ => None,
        }
    }

    fn cache(&self, memory: &mut KernelMemory, cache: u64) -> Option<String> {
        let text = memory.word(cache.checked_add(self.cache_name?)?)?;
        memory.text(text, LONGEST_NAME)
    }
}

/// The names of what these page frames belong to, by address.
pub fn owner_names<'a>(
    memory: &mut KernelMemory,
    layout: &OwnerLayout,
    keys: impl IntoIterator<Item = &'a PageKey>,
) -> HashMap<u64, Option<String>> {
    let mut names = HashMap::new();
    for key in keys {
        names
            .entry(key.owner)
            .or_insert_with(|| layout.name(memory, key));
    }
    names
}

/// No name of a cache or a folder is longer (`NAME_MAX`).
const LONGEST_NAME: usize = 255;

impl PoolLayout {
    fn of(btf: &Btf<'_>) -> Option<Self> {
        let slow = offset(btf, "page_pool", "slow")?;
        Some(Self {
            device: slow + offset(btf, "page_pool_params_slow", "netdev")?,
            device_name: offset(btf, "net_device", "name")?,
        })
    }

    fn name(self, memory: &mut KernelMemory, pool: u64) -> Option<String> {
        /// `IFNAMSIZ`.
        const LONGEST: usize = 16;
        match memory.word(pool.checked_add(self.device)?)? {
            0 => None,
            device => memory.text(device.checked_add(self.device_name)?, LONGEST),
        }
    }
}

impl GroupLayout {
    fn of(btf: &Btf<'_>) -> Option<Self> {
        let parent = offset(btf, "kernfs_node", "parent");
        let css = offset(btf, "mem_cgroup", "css")?;
        Some(Self {
            memory_group: offset(btf, "obj_cgroup", "memcg"),
            group: css + offset(btf, "cgroup_subsys_state", "cgroup")?,
            folder: offset(btf, "cgroup", "kn")?,
            name: offset(btf, "kernfs_node", "name")?,
            // Linux 6.15 renamed it.
            parent: parent.or_else(|| offset(btf, "kernfs_node", "__parent"))?,
        })
    }

    fn path(self, memory: &mut KernelMemory, group: u64) -> Option<String> {
        /// Far more than groups are nested.
        const DEEPEST: usize = 64;
        let group = match self.memory_group {
            Some(at) => memory.word(group.checked_add(at)?)?,
            None => group,
        };
        let group = memory.word(group.checked_add(self.group)?)?;
        let mut folder = memory.word(group.checked_add(self.folder)?)?;
        let mut path = Vec::new();
        for _ in 0..DEEPEST {
            let parent = memory.word(folder.checked_add(self.parent)?)?;
            if parent == 0 {
                break;
            }
            let name = memory.word(folder.checked_add(self.name)?)?;
            path.push(memory.text(name, LONGEST_NAME)?);
            folder = parent;
        }
        path.reverse();
        Some(format!("/{}", path.join("/")))
    }
}

fn offset(btf: &Btf<'_>, name: &str, member: &str) -> Option<u64> {
    btf.member_offset(name, member).ok().map(u64::from)
}
