//! Memory of the kernel that a test can write, at an address that it knows.

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    sync::atomic::{AtomicU64, Ordering},
};

use memmap2::{MmapOptions, MmapRaw};

use crate::bpf_syscall::{Instruction, create_array, lift_memlock_limit, load, test_run};

/// Bytes of a value of the map that the memory is.
const VALUE: usize = 4096;

/// The values of a BPF array, which lie side by side.
pub(super) struct KernelMemory {
    words: MmapRaw,
    /// Where the kernel has it.
    pub(super) address: u64,
    _map: OwnedFd,
}

impl KernelMemory {
    /// Memory of at least so many bytes, all of them 0.
    pub(super) fn new(len: usize) -> io::Result<Self> {
        lift_memlock_limit();
        let values = len.div_ceil(VALUE);
        let map = create_array(VALUE as u32, values as u32)?;
        let words = MmapOptions::new()
            .len(values * VALUE)
            .map_raw(map.as_raw_fd())?;
        test_run(&load(c"own_address", &own_address(&map))?)?;
        let mut memory = Self {
            words,
            address: 0,
            _map: map,
        };
        memory.address = memory.word(0).swap(0, Ordering::Relaxed);
        Ok(memory)
    }

    /// Writes words, so many bytes from its beginning.
    pub(super) fn write(&self, offset: u64, words: impl IntoIterator<Item = u64>) {
        for (at, word) in (offset..).step_by(8).zip(words) {
            self.word(at as usize).store(word, Ordering::Relaxed);
        }
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.words.len());
        let word = self.words.as_mut_ptr().wrapping_byte_add(offset).cast();
        // SAFETY: within the mapping and aligned; changes from outside are those of whole words.
        unsafe { AtomicU64::from_ptr(word) }
    }
}

/// Has the first word of a map's first value tell its own address.
fn own_address(map: &OwnedFd) -> [Instruction; 10] {
    let [a, b, c, d] = map.as_raw_fd().to_le_bytes();
    [
        // *(u32 *)(r10 - 4) = 0
        [0x62, 0x0a, 0xfc, 0xff, 0, 0, 0, 0],
        // r1 = map, in two parts
        [0x18, 0x11, 0, 0, a, b, c, d],
        [0; 8],
        // r2 = r10; r2 += -4
        [0xbf, 0xa2, 0, 0, 0, 0, 0, 0],
        [0x07, 0x02, 0, 0, 0xfc, 0xff, 0xff, 0xff],
        // r0 = bpf_map_lookup_elem(r1, r2)
        [0x85, 0, 0, 0, 1, 0, 0, 0],
        // if r0 != 0 { *(u64 *)r0 = r0 }
        [0x15, 0, 1, 0, 0, 0, 0, 0],
        [0x7b, 0, 0, 0, 0, 0, 0, 0],
        // return 0
        [0xb7, 0, 0, 0, 0, 0, 0, 0],
        [0x95, 0, 0, 0, 0, 0, 0, 0],
    ]
}
