//! Reading the kernel's memory, wherever it comes from.

use super::bytes;

/// Memory of the kernel, by address. What is read may have changed, or been given to somebody else,
/// since whoever pointed at it was read.
pub trait ReadMemory {
    /// So many bytes from an address on; none if they cannot all be read.
    fn read(&mut self, address: u64, len: usize) -> Option<&[u8]>;

    /// The word at an address; none if it cannot be read.
    fn word(&mut self, address: u64) -> Option<u64> {
        bytes::word(self.read(address, size_of::<u64>())?, 0)
    }

    /// The half of a word at an address; none if it cannot be read.
    fn half(&mut self, address: u64) -> Option<u32> {
        bytes::half(self.read(address, size_of::<u32>())?, 0)
    }

    /// The text at an address, up to its zero or so many bytes, or to the end of its page frame; none
    /// if it cannot be read.
    fn text(&mut self, address: u64, most: usize) -> Option<String> {
        /// What lies behind may not be readable.
        const PAGE: u64 = 4096;
        let len = most.min((PAGE - address % PAGE) as usize);
        let bytes = self.read(address, len)?;
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(len);
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }
}
