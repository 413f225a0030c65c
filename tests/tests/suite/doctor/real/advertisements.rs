//! Router advertisements, as they come over Ethernet.

use std::net::Ipv6Addr;

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ICMPV6: u8 = 58;
/// What an advertisement has instead of hops that are left (RFC 4861).
const HOP_LIMIT: u8 = 255;

/// What the kernel divides, 512 bytes for each frame of this length (`tun_build_skb`,
/// drivers/net/tun.c).
pub(super) const BLOCK: u64 = 32 << 10;
const IN_BLOCK: usize = 64;

/// Frames with an advertisement in each block, and others that nobody wants.
pub(super) fn frames(advertisements: usize) -> impl Iterator<Item = &'static [u8]> {
    const IPV6: u16 = 0x86dd;
    const FOR_EXPERIMENTS: u16 = 0x88b5;
    let [wanted, unwanted] = [IPV6, FOR_EXPERIMENTS].map(|kind| &*frame(kind).leak());
    let block = std::iter::once(wanted).chain(std::iter::repeat_n(unwanted, IN_BLOCK - 1));
    std::iter::repeat_n(block, advertisements).flatten()
}

fn frame(kind: u16) -> Vec<u8> {
    const TO_ALL_NODES: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
    const FROM: [u8; 6] = [2, 0, 0, 0, 0, 2];
    let kind = kind.to_be_bytes();
    [&TO_ALL_NODES[..], &FROM, &kind, &packet()].concat()
}

fn packet() -> Vec<u8> {
    const VERSION: [u8; 4] = [0x60, 0, 0, 0];
    let message = message();
    let [high, low] = (message.len() as u16).to_be_bytes();
    let rest = [high, low, ICMPV6, HOP_LIMIT];
    [&VERSION[..], &rest, &addresses(), &message].concat()
}

fn addresses() -> Vec<u8> {
    [ROUTER, ALL_NODES].map(|it| it.octets()).concat()
}

/// Without a lifetime: nobody makes it a default router.
fn message() -> Vec<u8> {
    const ROUTER_ADVERTISEMENT: u8 = 134;
    let mut message = vec![ROUTER_ADVERTISEMENT, 0, 0, 0, 64, 0, 0, 0];
    message.extend([0; 8]);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

/// Over what the packet's head says, too (RFC 4443).
fn checksum(message: &[u8]) -> u16 {
    let head = [0, 0, 0, message.len() as u8, 0, 0, 0, ICMPV6];
    let bytes = [&addresses(), &head[..], message].concat();
    let words = bytes.chunks_exact(2);
    let sum: u32 = words
        .map(|it| u32::from(it[0]) << 8 | u32::from(it[1]))
        .sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}
