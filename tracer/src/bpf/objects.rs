//! What BPF maps and programs there are, whoever keeps them.

use std::os::fd::AsFd as _;

use anyhow::{Context as _, Result};
use aya::{
    maps::{MapInfo, loaded_maps},
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
