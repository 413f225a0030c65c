//! AF_XDP sockets: user memory that they share with a network device, and their rings.

use anyhow::Result;

use super::members;
use crate::kernel::btf::Btf;

/// `struct xdp_sock`, `xdp_umem`, `xsk_buff_pool` and `xsk_queue`.
#[derive(Clone, Debug)]
pub(in crate::kernel::objects) struct XdpLayout {
    /// Where a sock points to its memory.
    pub(in crate::kernel::objects) memory: u64,
    pub(in crate::kernel::objects) pages: u64,
    pub(in crate::kernel::objects) count: u64,
    pub(in crate::kernel::objects) bytes: u64,
    /// Where a sock points to its rings.
    pub(in crate::kernel::objects) rings: Vec<u64>,
    /// Where a sock points to the pool that it was bound to, and the pool to its rings (Linux 5.10).
    pub(in crate::kernel::objects) pool: u64,
    pub(in crate::kernel::objects) pool_rings: [u64; 2],
    /// Where a ring points to its memory.
    pub(in crate::kernel::objects) ring: u64,
}

impl XdpLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let (sock, memory) = (members(btf, "xdp_sock"), members(btf, "xdp_umem"));
        let pool = members(btf, "xsk_buff_pool");
        let rings = ["rx", "tx", "fq_tmp", "cq_tmp"].map(|it| sock.at(it));
        Ok(Self {
            memory: sock.at("umem")?,
            pages: memory.at("pgs")?,
            count: memory.at("npgs")?,
            bytes: memory.at("size")?,
            rings: rings.into_iter().collect::<Result<_>>()?,
            pool: sock.at("pool")?,
            pool_rings: [pool.at("fq")?, pool.at("cq")?],
            ring: members(btf, "xsk_queue").at("ring")?,
        })
    }
}
