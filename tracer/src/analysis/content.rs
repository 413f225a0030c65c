//! What class of data a page frame has: never the data itself.

use crate::model::ContentClass;

/// The class of what is in a page frame.
pub fn content(page: &[u8]) -> ContentClass {
    let used = page.iter().filter(|byte| **byte != 0).count();
    if used == 0 {
        return ContentClass::Zero;
    }
    if has_packet(page) {
        return ContentClass::Packet;
    }
    if is_text(page, used) {
        return ContentClass::Text;
    }
    if has_pointers(page) {
        return ContentClass::Pointers;
    }
    ContentClass::Other
}

/// Whether most of what is not zero can be read.
fn is_text(page: &[u8], used: usize) -> bool {
    let readable = |byte: &&u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    page.iter().filter(readable).count() * 10 >= used * 9
}

/// Whether a quarter of the words that are not zero are addresses of the kernel.
fn has_pointers(page: &[u8]) -> bool {
    let words = page.chunks_exact(8).filter_map(|it| it.try_into().ok());
    let words = words.map(u64::from_ne_bytes).filter(|word| *word != 0);
    let (mut all, mut pointers) = (0, 0);
    for word in words {
        all += 1;
        pointers += u32::from(is_of_kernel(word));
    }
    pointers >= 2 && pointers * 4 >= all
}

/// Whether a word can be an address of the kernel's half: of the highest 2^47 bytes on x86-64, and of
/// 2^52 on arm64 (Documentation/arch/arm64/memory.rst).
const fn is_of_kernel(word: u64) -> bool {
    const BITS: u32 = if cfg!(target_arch = "aarch64") {
        52
    } else {
        47
    };
    word >> BITS == u64::MAX >> BITS
}

/// Whether a packet of IPv4 or IPv6 with a valid checksum begins in the page frame. Drivers leave room
/// for other headers before it.
fn has_packet(page: &[u8]) -> bool {
    /// Headers are aligned at least so.
    const STEP: usize = 2;
    let starts = (0..page.len()).step_by(STEP);
    starts
        .map(|at| &page[at..])
        .any(|packet| is_ipv4(packet) || is_ipv6(packet))
}

/// A header of IPv4 without options, whose sum is right (RFC 791).
fn is_ipv4(packet: &[u8]) -> bool {
    const HEADER: usize = 20;
    let Some(header) = packet.first_chunk::<HEADER>() else {
        return false;
    };
    let len = u16::from_be_bytes([header[2], header[3]]);
    let known = [1, 6, 17].contains(&header[9]);
    header[0] == 0x45 && known && usize::from(len) >= HEADER && sum(header, 0) == 0xffff
}

/// A packet of IPv6 that carries UDP, TCP or ICMPv6, whose sum is right (RFC 8200, 8.1).
fn is_ipv6(packet: &[u8]) -> bool {
    const HEADER: usize = 40;
    let Some(header) = packet.first_chunk::<HEADER>() else {
        return false;
    };
    let next = header[6];
    if header[0] >> 4 != 6 || ![6, 17, 58].contains(&next) {
        return false;
    }
    let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let Some(payload) = packet.get(HEADER..HEADER + len).filter(|it| it.len() >= 8) else {
        return false;
    };
    let pseudo = sum(&header[8..], u32::from(next) + len as u32);
    sum(payload, pseudo.into()) == 0xffff
}

/// The sum of the internet (RFC 1071), folded to 16 bits.
fn sum(bytes: &[u8], first: u32) -> u16 {
    let mut sum = u64::from(first);
    let mut pairs = bytes.chunks_exact(2);
    for pair in &mut pairs {
        sum += u64::from(u16::from_be_bytes([pair[0], pair[1]]));
    }
    if let [last] = pairs.remainder() {
        sum += u64::from(*last) << 8;
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page frame that has these bytes at an offset.
    fn page(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut page = vec![0; 4096];
        page[at..at + bytes.len()].copy_from_slice(bytes);
        page
    }

    /// The example of Wikipedia's "Internet checksum".
    const IPV4: [u8; 20] = [
        0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,
        0xc7,
    ];

    /// An echo request from ::1 to ::1 without data.
    fn ipv6() -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 8, 58, 64];
        let loopback = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        packet.extend(loopback);
        packet.extend(loopback);
        let echo = [128, 0, 0, 0, 0x12, 0x34, 0, 1];
        let checksum = !sum(&echo, u32::from(sum(&packet[8..], 58 + 8)));
        packet.extend([128, 0]);
        packet.extend(checksum.to_be_bytes());
        packet.extend(&echo[4..]);
        packet
    }

    #[test]
    fn packets_are_known_by_their_sum() {
        assert_eq!(content(&page(66, &IPV4)), ContentClass::Packet);
        let mut damaged = IPV4;
        damaged[12] ^= 1;
        assert_ne!(content(&page(66, &damaged)), ContentClass::Packet);
        assert_eq!(content(&page(14, &ipv6())), ContentClass::Packet);
        let mut damaged = ipv6();
        damaged[47] ^= 1;
        assert_ne!(content(&page(14, &damaged)), ContentClass::Packet);
    }

    #[test]
    fn zeros_text_and_pointers_are_told() {
        assert_eq!(content(&page(0, &[])), ContentClass::Zero);
        assert_eq!(content(&page(9, b"GET / HTTP/1.1\r\n")), ContentClass::Text);
        let words = [0xffff_8880_0000_1000_u64, 1, 0xffff_ffff_8100_0000];
        let words: Vec<u8> = words.iter().flat_map(|it| it.to_ne_bytes()).collect();
        assert_eq!(content(&page(8, &words)), ContentClass::Pointers);
        assert_eq!(content(&page(0, &[0xa5; 999])), ContentClass::Other);
    }

    #[test]
    fn no_cut_of_a_page_panics() {
        let page = page(0, &ipv6());
        for len in 0..200 {
            content(&page[..len]);
        }
    }
}
