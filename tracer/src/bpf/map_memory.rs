//! How much kernel memory the maps of an object take, before the kernel makes them.
//!
//! By the kernel's own formulas: `map_mem_usage` of each type, which `memlock` in a map's
//! fdinfo shows since Linux 6.4. What they are applied to, the object says, so a map that
//! is added to it or grows counts by itself.

use anyhow::{Context as _, Result, anyhow, bail};
use aya_obj::{
    Map, Object,
    generated::{BPF_F_MMAPABLE, bpf_map_type},
};

/// More than a map's own struct takes (`bpf_htab` and the like).
const STRUCT: u64 = 1024;

/// A pointer, or an entry of a page table.
const WORD: u64 = 8;

/// What leads to a page: an entry in vmalloc's array of pages, in the kernel's page table,
/// and in ours.
const PER_PAGE: u64 = 3 * WORD;

/// Bytes of kernel memory that the maps of an object take on a machine. `max_entries`
/// are the sizes that the loader sets, by name.
pub(super) fn map_bytes(
    object: &[u8],
    max_entries: &[(&str, u32)],
    machine: Machine,
) -> Result<u64> {
    let object = Object::parse(object).context("the BPF object cannot be read")?;
    let bytes = |(name, map): (&String, &Map)| {
        let set = max_entries.iter().find(|&(set, _)| set == name);
        let definition = Definition::of(map, set.map(|&(_, entries)| entries));
        let charge = definition.and_then(|it| it.charge(machine));
        let pages = charge
            .with_context(|| format!("in the map {name}"))?
            .div_ceil(machine.page);
        Ok(pages * (machine.page + PER_PAGE))
    };
    object.maps.iter().map(bytes).sum()
}

/// What sizes depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machine {
    /// CPUs that there can be: per-CPU values are there for each of them.
    pub(super) cpus: u64,
    /// Bytes of a page.
    pub(super) page: u64,
}

impl Machine {
    pub(super) fn running() -> Result<Self> {
        let cpus = aya::util::nr_cpus()
            .map_err(|(path, error)| anyhow!(error).context(format!("cannot read {path}")))?;
        Ok(Self {
            cpus: cpus as u64,
            page: rustix::param::page_size() as u64,
        })
    }
}

/// What the kernel is asked for.
#[derive(Clone, Copy, Debug)]
struct Definition {
    map_type: bpf_map_type,
    key_size: u64,
    value_size: u64,
    max_entries: u64,
    mmapable: bool,
}

impl Definition {
    fn of(map: &Map, max_entries: Option<u32>) -> Result<Self> {
        let number = map.map_type();
        let map_type = number.try_into().ok();
        Ok(Self {
            map_type: map_type.with_context(|| format!("there is no type {number}"))?,
            key_size: map.key_size().into(),
            value_size: map.value_size().into(),
            max_entries: max_entries.unwrap_or_else(|| map.max_entries()).into(),
            mmapable: map.map_flags() & BPF_F_MMAPABLE != 0,
        })
    }

    /// Bytes that the kernel charges for the map, and less than `STRUCT` more.
    fn charge(&self, machine: Machine) -> Result<u64> {
        let Machine { cpus, page } = machine;
        let contents = match self.map_type {
            bpf_map_type::BPF_MAP_TYPE_ARRAY => self.array(page),
            bpf_map_type::BPF_MAP_TYPE_PERCPU_ARRAY => self.per_cpu_array(cpus),
            bpf_map_type::BPF_MAP_TYPE_HASH => self.hash(cpus),
            bpf_map_type::BPF_MAP_TYPE_QUEUE => self.queue(),
            bpf_map_type::BPF_MAP_TYPE_RINGBUF => self.ring_buffer(page),
            other => bail!("the memory of {other:?} is not known"),
        };
        Ok(STRUCT + contents)
    }

    /// `array_map_mem_usage`, kernel/bpf/arraymap.c. The values of an array that can be
    /// mapped begin on a page of their own.
    const fn array(&self, page: u64) -> u64 {
        let values = self.max_entries * self.value_size.next_multiple_of(WORD);
        if self.mmapable {
            page + values.next_multiple_of(page)
        } else {
            values
        }
    }

    /// The same function: for each value a pointer, and the value for each CPU.
    const fn per_cpu_array(&self, cpus: u64) -> u64 {
        self.max_entries * (WORD + cpus * self.value_size.next_multiple_of(WORD))
    }

    /// `htab_map_mem_usage`, kernel/bpf/hashtab.c, of a preallocated hash: buckets of a list
    /// and a lock, elements with one to spare for each CPU, and for each CPU a pointer to it
    /// and, up to Linux 6.17, eight counters.
    const fn hash(&self, cpus: u64) -> u64 {
        const BUCKET: u64 = 16;
        const ELEMENT: u64 = 48;
        const PER_CPU: u64 = WORD + 8 * 4;
        let key = self.key_size.next_multiple_of(WORD);
        let value = self.value_size.next_multiple_of(WORD);
        let buckets = self.max_entries.next_power_of_two();
        let elements = self.max_entries + cpus;
        buckets * BUCKET + elements * (ELEMENT + key + value) + cpus * PER_CPU
    }

    /// `queue_stack_map_mem_usage`, kernel/bpf/queue_stack_maps.c: one element more than fit.
    const fn queue(&self) -> u64 {
        (self.max_entries + 1) * self.value_size
    }

    /// `ringbuf_map_mem_usage`, kernel/bpf/ringbuf.c: pages of its own, pages of data, and
    /// the pointers to map the former once and the latter twice.
    const fn ring_buffer(&self, page: u64) -> u64 {
        const OWN_PAGES: u64 = 3;
        let data_pages = self.max_entries.div_ceil(page);
        (OWN_PAGES + data_pages) * page + (OWN_PAGES + 2 * data_pages) * WORD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: Machine = Machine {
        cpus: 256,
        page: 4096,
    };

    fn charge(map_type: bpf_map_type, key_size: u64, value_size: u64, mmapable: bool) -> u64 {
        let definition = Definition {
            map_type,
            key_size,
            value_size,
            max_entries: 1_000_000,
            mmapable,
        };
        definition.charge(LARGE).expect("a known type") - STRUCT
    }

    #[test]
    fn values_are_there_for_each_possible_cpu() {
        let per_cpu = charge(bpf_map_type::BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, false);
        assert_eq!(per_cpu, 1_000_000 * (8 + 256 * 8));
        let array = charge(bpf_map_type::BPF_MAP_TYPE_ARRAY, 4, 4, false);
        assert_eq!(array, 1_000_000 * 8);
    }

    #[test]
    fn a_hash_has_elements_and_buckets() {
        let hash = charge(bpf_map_type::BPF_MAP_TYPE_HASH, 8, 4, false);
        assert_eq!(hash, (1 << 20) * 16 + 1_000_256 * 64 + 256 * 40);
    }

    #[test]
    fn what_is_mapped_has_whole_pages() {
        let array = charge(bpf_map_type::BPF_MAP_TYPE_ARRAY, 4, 4, true);
        assert_eq!(array, 4096 + 8_003_584);
    }

    #[test]
    fn a_type_that_is_new_is_refused() {
        let definition = Definition {
            map_type: bpf_map_type::BPF_MAP_TYPE_LPM_TRIE,
            key_size: 8,
            value_size: 8,
            max_entries: 1,
            mmapable: false,
        };
        assert!(definition.charge(LARGE).is_err());
    }
}
