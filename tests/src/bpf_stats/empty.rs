//! The least that a BPF program can do.

use std::{io, os::fd::OwnedFd};

use crate::bpf_syscall::{Instruction, load, open_raw_tracepoint};

/// Programs that return at once, on the raw tracepoints of allocations and frees.
/// They are gone when this is dropped.
pub struct Empty {
    _descriptors: [(OwnedFd, OwnedFd); 2],
}

/// `r0 = 0; exit`
const NOTHING: [Instruction; 2] = [[0xb7, 0, 0, 0, 0, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]];

impl Empty {
    /// Loads and attaches them, which needs root.
    ///
    /// They have the names of pagetrace's programs, so that they can be told apart likewise.
    pub fn attach() -> io::Result<Self> {
        let both = |name, tracepoint| {
            let program = load(name, &NOTHING)?;
            let link = open_raw_tracepoint(tracepoint, &program)?;
            Ok::<_, io::Error>((program, link))
        };
        Ok(Self {
            _descriptors: [
                both(c"page_alloc", c"mm_page_alloc")?,
                both(c"page_free", c"mm_page_free")?,
            ],
        })
    }
}
