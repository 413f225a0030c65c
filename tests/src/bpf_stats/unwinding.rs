//! What pagetrace's programs count of their templates, read while they run.

use std::ops::Sub;

use anyhow::Result;
use aya::{
    Pod,
    maps::{Map, MapData, MapInfo, PerCpuArray},
};
use serde::Serialize;
use tracer_ebpf::{Counters, maps};

use super::descriptors::Held;

/// How stacks were unwound: events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unwound {
    /// By templates.
    pub hits: u64,
    /// By the kernel.
    pub misses: u64,
}

impl Sub for Unwound {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            hits: self.hits - before.hits,
            misses: self.misses - before.misses,
        }
    }
}

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
    let sum = cpus.iter().fold(Unwound::default(), |sum, cpu| Unwound {
        hits: sum.hits + cpu.0.unwind.hits,
        misses: sum.misses + cpu.0.unwind.misses,
    });
    Ok(Some(sum))
}
