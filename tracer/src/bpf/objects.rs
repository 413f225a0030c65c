//! What BPF maps and programs there are, whoever keeps them.

use std::os::fd::{AsFd as _, OwnedFd};

use anyhow::{Context as _, Result};
use aya::{
    maps::{MapInfo, MapType, loaded_maps},
    programs::{ProgramInfo, loaded_programs},
};

use crate::kernel::{
    bpf_fdinfo::{BpfKind, BpfObject},
    host,
};

/// All of them, also those without a descriptor. An error if this process may not list them.
pub fn objects() -> Result<Vec<BpfObject>> {
    let maps = listed(loaded_maps()).context("cannot list BPF maps")?;
    let programs = listed(loaded_programs()).context("cannot list BPF programs")?;
    let objects = maps.iter().filter_map(map);
    Ok(objects.chain(programs.iter().filter_map(program)).collect())
}

/// A descriptor of each ring buffer, whoever keeps it. An error if this process may not list maps.
pub fn ring_buffers() -> Result<Vec<OwnedFd>> {
    let maps = listed(loaded_maps()).context("cannot list BPF maps")?;
    let rings = maps.iter().filter(|map| {
        let kind = map.map_type();
        matches!(kind, Ok(MapType::RingBuf | MapType::UserRingBuf))
    });
    // One that cannot be opened is gone meanwhile.
    let opened = rings.filter_map(|ring| ring.fd().ok()?.as_fd().try_clone_to_owned().ok());
    Ok(opened.collect())
}

/// What there is of a kind. An error before anything was found is that of listing; one later on
/// is of an object that is gone meanwhile.
fn listed<T, E>(found: impl Iterator<Item = Result<T, E>>) -> Result<Vec<T>, E> {
    let mut listed = Vec::new();
    for object in found {
        match object {
            Err(error) if listed.is_empty() => return Err(error),
            object => listed.extend(object),
        }
    }
    Ok(listed)
}

fn map(info: &MapInfo) -> Option<BpfObject> {
    let map = info.fd().ok()?;
    let text = host::descriptor_info(map.as_fd()).ok()?;
    Some(BpfObject {
        name: name(info.name()),
        ..BpfKind::Map.object(&text)?
    })
}

fn program(info: &ProgramInfo) -> Option<BpfObject> {
    Some(BpfObject {
        kind: BpfKind::Program,
        id: info.id(),
        name: name(info.name()),
        bytes: info.memory_locked().ok()?.into(),
    })
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
