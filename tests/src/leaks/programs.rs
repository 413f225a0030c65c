//! BPF programs, which are vmalloc.

use std::{io, os::fd::OwnedFd};

use rustix::param::page_size;

use super::Held;
use crate::{
    announcement::Announcement,
    bpf_syscall::{self, Instruction},
};

/// `leak programs`
#[derive(clap::Args)]
pub struct Programs {
    /// How many programs
    #[arg(long, default_value_t = 400)]
    pub count: usize,
    /// Instructions in each
    #[arg(long, default_value_t = 4000)]
    pub instructions: usize,
}

impl Programs {
    /// Loads the programs and keeps them. It says what their instructions take at least.
    pub fn take(&self) -> io::Result<Held> {
        /// `r0 = 0`
        const ZERO: Instruction = [0xb7, 0, 0, 0, 0, 0, 0, 0];
        const EXIT: Instruction = [0x95, 0, 0, 0, 0, 0, 0, 0];
        bpf_syscall::lift_memlock_limit();
        let mut program = vec![ZERO; self.instructions - 1];
        program.push(EXIT);
        let load = |_| bpf_syscall::load(c"leak", &program);
        let programs: Vec<OwnedFd> = (0..self.count).map(load).collect::<io::Result<_>>()?;
        let pages = size_of_val(&program[..]).div_ceil(page_size()) * self.count;
        Ok(Held::new(Announcement::holding(pages as u64), programs))
    }
}
