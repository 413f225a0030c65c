//! Whatever a message says, its numbers add up and its socket has a name.

use pagetrace::kernel::sock_diag::Family;

pub(crate) fn check(data: &[u8]) {
    for family in Family::ALL {
        if let Some(socket) = family.socket(data) {
            assert!(socket.memory.packet_bytes() <= socket.memory.bytes());
            assert!(socket.memory.bytes() <= 5 * u64::from(u32::MAX));
            assert!(!socket.state.name().is_empty());
            assert!(data.len() >= 16);
        }
    }
}
