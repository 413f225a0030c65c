//! Pipes and rings.

use anyhow::Result;

use super::members;
use crate::kernel::btf::Btf;

/// `struct pipe_inode_info` and `pipe_buffer`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct PipeLayout {
    pub(in crate::kernel::objects) head: u64,
    pub(in crate::kernel::objects) tail: u64,
    pub(in crate::kernel::objects) slots: u64,
    pub(in crate::kernel::objects) spare: u64,
    pub(in crate::kernel::objects) spares: u64,
    pub(in crate::kernel::objects) buffers: u64,
    pub(in crate::kernel::objects) buffer_size: u64,
    pub(in crate::kernel::objects) page: u64,
    pub(in crate::kernel::objects) len: u64,
    pub(in crate::kernel::objects) operations: u64,
}

/// `struct packet_sock`, `packet_ring_buffer` and `pgv`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct PacketRingLayout {
    pub(in crate::kernel::objects) receive: u64,
    pub(in crate::kernel::objects) send: u64,
    pub(in crate::kernel::objects) blocks: u64,
    pub(in crate::kernel::objects) count: u64,
    pub(in crate::kernel::objects) block_size: u64,
}

/// `struct perf_event` and `perf_buffer`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct PerfLayout {
    pub(in crate::kernel::objects) buffer: u64,
    pub(in crate::kernel::objects) count: u64,
    pub(in crate::kernel::objects) aux_count: u64,
    pub(in crate::kernel::objects) aux: u64,
    pub(in crate::kernel::objects) user_page: u64,
    pub(in crate::kernel::objects) data: u64,
}

/// `struct io_ring_ctx`.
#[derive(Clone, Debug)]
pub(in crate::kernel::objects) enum IoUringLayout {
    /// `struct io_mapped_region` of each ring (Linux 6.14).
    Regions {
        regions: Vec<u64>,
        pages: u64,
        count: u64,
    },
    /// Pointers to the memory of each ring.
    Pointers(Vec<u64>),
}

/// `struct io_mapped_ubuf`, and where an io_uring has those that were registered with it.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct RegisteredLayout {
    pub(in crate::kernel::objects) list: u64,
    pub(in crate::kernel::objects) count: u64,
    pub(in crate::kernel::objects) entries: RegisteredEntries,
    pub(in crate::kernel::objects) parts: u64,
    pub(in crate::kernel::objects) part_count: u64,
    pub(in crate::kernel::objects) part_size: u64,
    pub(in crate::kernel::objects) page: u64,
    pub(in crate::kernel::objects) len: u64,
    pub(in crate::kernel::objects) offset: u64,
}

/// How the list of buffers is made.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) enum RegisteredEntries {
    /// Pointers to nodes, each of which has a pointer to the buffer here (Linux 6.13).
    Nodes(u64),
    /// Pointers to buffers.
    Pointers,
    /// The buffers themselves, of this size, each with a pointer to its parts (before Linux 5.13).
    Buffers(u64),
}

impl PipeLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let pipe = members(btf, "pipe_inode_info");
        let buffer = members(btf, "pipe_buffer");
        let spare = pipe.at("tmp_page")?;
        // Linux 6.15 made it an array of two; the list of readers has always been behind it.
        let behind = pipe.at("fasync_readers")?;
        Ok(Self {
            head: pipe.at("head")?,
            tail: pipe.at("tail")?,
            slots: pipe.at("ring_size")?,
            spare,
            spares: if behind == spare + 16 { 2 } else { 1 },
            buffers: pipe.at("bufs")?,
            buffer_size: buffer.size()?,
            page: buffer.at("page")?,
            len: buffer.at("len")?,
            operations: buffer.at("ops")?,
        })
    }
}

impl PacketRingLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let (sock, ring) = (
            members(btf, "packet_sock"),
            members(btf, "packet_ring_buffer"),
        );
        Ok(Self {
            receive: sock.at("rx_ring")?,
            send: sock.at("tx_ring")?,
            blocks: ring.at("pg_vec")?,
            count: ring.at("pg_vec_len")?,
            block_size: members(btf, "pgv").size()?,
        })
    }
}

impl PerfLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let buffer = members(btf, "perf_buffer");
        Ok(Self {
            buffer: members(btf, "perf_event").at("rb")?,
            count: buffer.at("nr_pages")?,
            aux_count: buffer.at("aux_nr_pages")?,
            aux: buffer.at("aux_pages")?,
            user_page: buffer.at("user_page")?,
            data: buffer.at("data_pages")?,
        })
    }
}

impl IoUringLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let ring = members(btf, "io_ring_ctx");
        let region = members(btf, "io_mapped_region");
        let regions = ["ring_region", "sq_region", "param_region"];
        let regions: Vec<_> = regions.iter().filter_map(|it| ring.at(it).ok()).collect();
        match region.at("pages") {
            Ok(pages) if !regions.is_empty() => Ok(Self::Regions {
                regions,
                pages,
                count: region.at("nr_pages")?,
            }),
            _ => Ok(Self::Pointers(vec![ring.at("rings")?, ring.at("sq_sqes")?])),
        }
    }
}

impl RegisteredLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let (ring, table) = (members(btf, "io_ring_ctx"), members(btf, "io_rsrc_data"));
        let (buffer, part) = (members(btf, "io_mapped_ubuf"), members(btf, "bio_vec"));
        let parts = buffer.at("bvec")?;
        let (list, count, entries) = match ring.at("buf_table").ok().zip(table.at("nodes").ok()) {
            Some((at, nodes)) => {
                let node = members(btf, "io_rsrc_node").at("buf")?;
                (
                    at + nodes,
                    at + table.at("nr")?,
                    RegisteredEntries::Nodes(node),
                )
            }
            None => {
                let size = buffer.size()?;
                let entries = if parts == size {
                    RegisteredEntries::Pointers
                } else {
                    RegisteredEntries::Buffers(size)
                };
                (ring.at("user_bufs")?, ring.at("nr_user_bufs")?, entries)
            }
        };
        Ok(Self {
            list,
            count,
            entries,
            parts,
            part_count: buffer.at("nr_bvecs")?,
            part_size: part.size()?,
            page: part.at("bv_page")?,
            len: part.at("bv_len")?,
            offset: part.at("bv_offset")?,
        })
    }
}
