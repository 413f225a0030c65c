//! What a socket accounts for: its `struct sk_meminfo` (`sk_get_meminfo`, net/core/sock.c).

use crate::kernel::netlink::u32_at;

/// Bytes, but for drops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Packets to be read.
    pub received: u64,
    /// At most so much.
    pub receive_limit: u64,
    /// Packets that were sent and are still somewhere.
    pub sent: u64,
    /// At most so much.
    pub send_limit: u64,
    /// What it has reserved for packets to come.
    pub reserved: u64,
    /// Packets to be sent; for TCP, `sent` is a part of it.
    pub queued: u64,
    /// Its options.
    pub options: u64,
    /// Packets that wait until whoever uses it lets go.
    pub backlog: u64,
    /// Packets that were dropped; none before Linux 4.7.
    pub drops: Option<u64>,
}

impl Memory {
    /// What these words say; none if there are too few.
    pub(super) fn of(words: &[u8]) -> Option<Self> {
        let word = |index: usize| u32_at(words, index * 4);
        let bytes = |index: usize| word(index).map(u64::from);
        // The kernel's number is signed, and for a moment it may be below 0.
        let reserved = word(4)?.cast_signed().max(0).cast_unsigned();
        Some(Self {
            received: bytes(0)?,
            receive_limit: bytes(1)?,
            sent: bytes(2)?,
            send_limit: bytes(3)?,
            reserved: reserved.into(),
            queued: bytes(5)?,
            options: bytes(6)?,
            backlog: bytes(7).unwrap_or(0),
            drops: bytes(8),
        })
    }

    /// What the packets in its queues account for (`truesize`).
    pub fn packet_bytes(self) -> u64 {
        let parts = [self.received, self.sent.max(self.queued), self.backlog];
        parts.into_iter().fold(0, u64::saturating_add)
    }

    /// All that it accounts for.
    pub fn bytes(self) -> u64 {
        let parts = [self.packet_bytes(), self.reserved, self.options];
        parts.into_iter().fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_numbers_add_up() {
        let words = [u32::MAX; 9].into_iter();
        let words: Vec<_> = words.flat_map(u32::to_ne_bytes).collect();
        let memory = Memory::of(&words).expect("whole");
        // The reserved bytes are -1 here.
        assert_eq!(memory.bytes(), 4 * u64::from(u32::MAX));
        assert_eq!(memory.packet_bytes(), 3 * u64::from(u32::MAX));
        assert_eq!(Memory::of(&words[..20]), None);
    }
}
