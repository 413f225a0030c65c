//! `packet_diag`: packet sockets and their rings (net/packet/diag.c).

use super::netlink::{attributes, u32_at};

/// `PACKET_SHOW_RING_CFG` (include/uapi/linux/packet_diag.h).
const SHOW_RINGS: u32 = 4;
/// Bytes of `struct packet_diag_msg`.
const HEADER: usize = 16;
/// Where it has the socket's inode.
const INODE: usize = 4;
/// `PACKET_DIAG_RX_RING` and `PACKET_DIAG_TX_RING`.
const RINGS: [u16; 2] = [2, 3];

/// A packet socket with a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSocket {
    /// What `/proc/PID/fd` calls it by.
    pub inode: u32,
    /// Bytes of the blocks of its rings.
    pub bytes: u64,
}

/// The payload of a request for all packet sockets, a `struct packet_diag_req`.
pub fn request() -> Vec<u8> {
    let family = libc::AF_PACKET as u8;
    let mut request = vec![family, 0, 0, 0];
    for word in [0, SHOW_RINGS, 0, 0] {
        request.extend(u32::to_ne_bytes(word));
    }
    request
}

/// The socket that a message is about; none if it is cut off or has no ring.
pub fn socket(message: &[u8], page_size: u64) -> Option<RingSocket> {
    let inode = u32_at(message, INODE)?;
    let rings = attributes(message.get(HEADER..)?).filter(|(kind, _)| RINGS.contains(kind));
    let bytes = rings.filter_map(|(_, ring)| ring_bytes(ring, page_size));
    let bytes = bytes.fold(0, u64::saturating_add);
    (bytes > 0).then_some(RingSocket { inode, bytes })
}

/// A `struct packet_diag_ring`. A block is one allocation, so it takes a power of two of pages
/// (`alloc_one_pg_vec_page`).
fn ring_bytes(ring: &[u8], page_size: u64) -> Option<u64> {
    let (block_size, blocks) = (u32_at(ring, 0)?, u32_at(ring, 4)?);
    let pages = u64::from(block_size)
        .div_ceil(page_size.max(1))
        .next_power_of_two();
    let block = pages.saturating_mul(page_size);
    (block_size > 0).then(|| block.saturating_mul(blocks.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `ss -f packet -m` of Linux 6.18 gets it of a socket with 4 blocks of 64 KiB.
    const MESSAGE: &[u8] = include_bytes!("packet_diag/rx_ring.bin");

    #[test]
    fn a_ring_has_all_its_blocks() {
        let socket = socket(MESSAGE, 4096).expect("a ring");
        assert_eq!(socket.bytes, 4 * 65536);
        assert_ne!(socket.inode, 0);
    }

    #[test]
    fn a_block_takes_a_power_of_two_of_pages() {
        let ring: Vec<_> = [3 * 4096_u32, 10]
            .into_iter()
            .flat_map(u32::to_ne_bytes)
            .collect();
        assert_eq!(ring_bytes(&ring, 4096), Some(10 * 4 * 4096));
        let largest: Vec<_> = [u32::MAX; 2]
            .into_iter()
            .flat_map(u32::to_ne_bytes)
            .collect();
        assert_eq!(
            ring_bytes(&largest, 4096),
            Some((1 << 32) * u64::from(u32::MAX))
        );
    }

    #[test]
    fn no_cut_off_message_has_more() {
        let whole = socket(MESSAGE, 4096);
        for len in 0..MESSAGE.len() {
            let cut = socket(&MESSAGE[..len], 4096);
            assert!(cut.is_none() || cut == whole, "{len}");
        }
    }

    #[test]
    fn a_socket_without_a_ring_is_none() {
        assert_eq!(socket(&MESSAGE[..HEADER], 4096), None);
        assert_eq!(socket(&[], 4096), None);
    }
}
