//! Anonymous memory.

use std::io;

use memmap2::{Advice, MmapMut};
use rustix::param::page_size;

use super::Held;
use crate::announcement::Announcement;

/// `leak anon`
#[derive(clap::Args)]
pub struct Anon {
    /// How many MiB to fault in
    #[arg(long, default_value_t = 64)]
    pub mib: usize,
}

impl Anon {
    /// Maps the memory, faults it in page by page and keeps it.
    ///
    /// By mlock(2), which also tells these faults from those of all other programs;
    /// `MADV_POPULATE_WRITE` would need Linux 5.14.
    pub fn take(&self) -> io::Result<Held> {
        let bytes = self.mib << 20;
        let memory = MmapMut::map_anon(bytes)?;
        memory.advise(Advice::NoHugePage)?;
        memory.lock()?;
        let pages = (bytes / page_size()) as u64;
        Ok(Held::new(Announcement::holding(pages), memory))
    }
}
