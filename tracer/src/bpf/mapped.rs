//! Arrays of the objects, memory-mapped into this process.

use std::os::fd::{AsFd as _, AsRawFd as _, RawFd};

use anyhow::{Context as _, Result, bail, ensure};
use aya::{Ebpf, maps::Map};
use memmap2::{MmapOptions, MmapRaw};

/// So many bytes of an array, to be read.
pub(super) fn read_only(ebpf: &Ebpf, name: &str, len: u64) -> Result<MmapRaw> {
    let mapped = options(name, len)?.map_raw_read_only(descriptor(ebpf, name)?);
    mapped.with_context(|| format!("cannot map the table {name}"))
}

/// So many bytes of an array, to be written.
pub(super) fn writable(ebpf: &Ebpf, name: &str, len: u64) -> Result<MmapRaw> {
    let mapped = options(name, len)?.map_raw(descriptor(ebpf, name)?);
    mapped.with_context(|| format!("cannot map the table {name}"))
}

fn options(name: &str, len: u64) -> Result<MmapOptions> {
    ensure!(len > 0, "the table {name} is empty");
    let mut options = MmapOptions::new();
    options.len(usize::try_from(len)?);
    Ok(options)
}

fn descriptor(ebpf: &Ebpf, name: &str) -> Result<RawFd> {
    let Some(Map::Array(map)) = ebpf.map(name) else {
        bail!("the BPF object has no array {name}");
    };
    Ok(map.fd().as_fd().as_raw_fd())
}
