//! By how much a process and its mappings have grown.

use std::cmp::Reverse;

use crate::model::{GrownMapping, Mapping, MappingGrowth, Process};

/// The growth of a process.
pub(super) struct Growth {
    pub(super) bytes: Option<i64>,
    pub(super) is_new: bool,
    pub(super) mapping: Option<GrownMapping>,
}

/// By how much it has grown; `before` is in the order of pids. Of a process that was not there
/// yet, all is growth.
pub(super) fn growth(process: &Process, before: &[Process]) -> Growth {
    let earlier = before.binary_search_by_key(&process.identity(), Process::identity);
    let earlier = earlier.ok().and_then(|index| before.get(index));
    let kept = process.kept_bytes();
    let bytes = match earlier {
        Some(earlier) => kept.zip(earlier.kept_bytes()),
        None => kept.map(|kept| (kept, 0)),
    };
    let none = earlier.is_none().then_some(&[][..]);
    let mappings = earlier.and_then(|it| it.mappings.as_deref()).or(none);
    let mappings = process.mappings.as_deref().zip(mappings);
    Growth {
        bytes: bytes.map(|(now, before)| difference(now, before)),
        is_new: earlier.is_none(),
        mapping: mappings
            .and_then(|(now, before)| largest_growth(&grown_mappings(now, Some(before)))),
    }
}

/// The mappings with their growth: what grew most first, or what is largest.
pub fn grown_mappings(now: &[Mapping], before: Option<&[Mapping]>) -> Vec<MappingGrowth> {
    let growth = |mapping: &Mapping| {
        let mut before = before?.iter();
        let earlier = before.find(|it| it.name == mapping.name);
        let earlier = earlier.map_or(0, Mapping::held_bytes);
        Some(difference(mapping.held_bytes(), earlier))
    };
    let mappings = now.iter().map(|mapping| MappingGrowth {
        growth_bytes: growth(mapping),
        mapping: mapping.clone(),
    });
    let mut mappings: Vec<_> = mappings.collect();
    mappings.sort_by_key(|it| Reverse((it.growth_bytes, it.mapping.held_bytes())));
    mappings
}

/// The mapping that grew most, if one did.
pub fn largest_growth(mappings: &[MappingGrowth]) -> Option<GrownMapping> {
    let largest = mappings.iter().max_by_key(|it| it.growth_bytes)?;
    let growth_bytes = largest.growth_bytes.filter(|&bytes| bytes > 0)?;
    let growth = mappings.iter().filter_map(|it| it.growth_bytes);
    let all = growth.filter(|&bytes| bytes > 0);
    Some(GrownMapping {
        name: largest.mapping.name.clone(),
        growth_bytes,
        all_growth_bytes: all.fold(0, i64::saturating_add),
    })
}

fn difference(now: u64, before: u64) -> i64 {
    let difference = i128::from(now) - i128::from(before);
    i64::try_from(difference).unwrap_or(if now > before { i64::MAX } else { i64::MIN })
}
