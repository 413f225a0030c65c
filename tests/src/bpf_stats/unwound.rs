//! How pagetrace's programs unwound stacks so far, read while they run.

use std::ops::Add;

use anyhow::Result;
use aya::{
    Pod,
    maps::{Map, MapData, MapInfo, PerCpuArray},
};
use tracer_ebpf::{Counters, maps};

use super::descriptors::Held;
use crate::readings::Unwound;

#[derive(Clone, Copy)]
#[repr(transparent)]
struct CountersWire(Counters);

// SAFETY: `repr(C)` words without padding; any bit pattern is a value.
unsafe impl Pod for CountersWire {}

/// The counts so far of the process that holds these, if it is pagetrace.
pub(super) fn now(held: &Held) -> Result<Option<Unwound>> {
    let is_counters = |id: &&u32| {
        MapInfo::from_id(**id).is_ok_and(|map| map.name_as_str() == Some(maps::COUNTERS))
    };
    let Some(&id) = held.maps.keys().find(is_counters) else {
        return Ok(None);
    };
    let map = Map::from_map_data(MapData::from_id(id)?)?;
    let cpus = PerCpuArray::<_, CountersWire>::try_from(map)?.get(&0, 0)?;
    let counts = cpus.iter().map(|cpu| Unwound {
        hits: cpu.0.unwind.hits,
        misses: cpu.0.unwind.misses,
    });
    Ok(counts.reduce(Add::add))
}
