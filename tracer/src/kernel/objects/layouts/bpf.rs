//! Ring buffers of BPF programs.

use anyhow::Result;

use super::members;
use crate::kernel::btf::Btf;

/// `struct bpf_map`, `bpf_ringbuf_map` and `bpf_ringbuf`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct RingBufferLayout {
    pub(in crate::kernel::objects) map_type: u64,
    pub(in crate::kernel::objects) name: u64,
    /// Files, programs and paths that refer to a map.
    pub(in crate::kernel::objects) references: u64,
    pub(in crate::kernel::objects) buffer: u64,
    pub(in crate::kernel::objects) pages: u64,
    pub(in crate::kernel::objects) count: u64,
}

impl RingBufferLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let (map, buffer) = (members(btf, "bpf_map"), members(btf, "bpf_ringbuf"));
        Ok(Self {
            map_type: map.at("map_type")?,
            name: map.at("name")?,
            references: map.at("refcnt")?,
            buffer: members(btf, "bpf_ringbuf_map").at("rb")?,
            pages: buffer.at("pages")?,
            count: buffer.at("nr_pages")?,
        })
    }
}
