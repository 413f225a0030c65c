//! Where the messages of each family have what.

use super::Family;

/// Where a family's messages have what.
pub(super) struct Layout {
    /// Bytes of the header; attributes follow.
    pub(super) header: usize,
    /// None of those that are never connected.
    state: Option<usize>,
    pub(super) inode: usize,
    /// The attribute that holds `struct sk_meminfo`.
    pub(super) memory: u16,
    /// The attribute that holds a path.
    pub(super) path: Option<u16>,
}

impl Layout {
    /// The state that a message says.
    pub(super) fn state(&self, message: &[u8]) -> Option<u8> {
        /// `TCP_CLOSE` (include/net/tcp_states.h).
        const CLOSED: u8 = 7;
        self.state
            .map_or(Some(CLOSED), |at| message.get(at).copied())
    }
}

impl Family {
    /// That of its messages.
    pub(super) const fn layout(self) -> Layout {
        match self {
            // struct inet_diag_msg, INET_DIAG_SKMEMINFO.
            Self::V4(_) | Self::V6(_) => Layout {
                header: 72,
                state: Some(1),
                inode: 68,
                memory: 7,
                path: None,
            },
            // struct unix_diag_msg, UNIX_DIAG_MEMINFO, UNIX_DIAG_NAME.
            Self::Unix => Layout {
                header: 16,
                state: Some(2),
                inode: 4,
                memory: 5,
                path: Some(0),
            },
            // struct netlink_diag_msg, NETLINK_DIAG_MEMINFO.
            Self::Netlink => Layout {
                header: 28,
                state: Some(3),
                inode: 16,
                memory: 0,
                path: None,
            },
            // struct packet_diag_msg, PACKET_DIAG_MEMINFO.
            Self::Packet => Layout {
                header: 16,
                state: None,
                inode: 4,
                memory: 6,
                path: None,
            },
        }
    }
}
