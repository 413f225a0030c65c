//! The memory of a running process.

use std::{
    cmp::Reverse,
    fs::File,
    io::{self, BufReader},
    time::Instant,
};

use super::folder_of;
use crate::{
    kernel::process::{Area, Memory, ProcessFolder, areas, present},
    model::{PageRun, Process},
};

/// The memory of a process, open for reading.
pub struct ProcessMemory {
    folder: ProcessFolder,
    pagemap: File,
    memory: Memory,
    page_size: u64,
}

impl ProcessMemory {
    /// Opens it; an error if the process ended or this user may not.
    pub fn open(process: &Process) -> io::Result<Self> {
        let folder = folder_of(process)?;
        Ok(Self {
            pagemap: folder.file("pagemap")?,
            memory: Memory::new(folder.file("mem")?),
            page_size: rustix::param::page_size() as u64,
            folder,
        })
    }

    /// Bytes of a page.
    pub const fn page_size(&self) -> u64 {
        self.page_size
    }

    /// The pages that are present in the mappings of a name, in those with most of them first,
    /// as far as can be found by `deadline`.
    pub fn present(&self, name: &str, deadline: Instant) -> io::Result<Vec<PageRun>> {
        let mut named = Vec::new();
        let smaps = BufReader::with_capacity(1 << 16, self.folder.file("smaps")?);
        areas(smaps, |area| {
            if area.mapping.name == name {
                named.push(area);
            }
        })?;
        named.sort_by_key(|area| Reverse(area.mapping.rss_bytes));
        let mut runs = Vec::new();
        for Area { range, mapping } in named {
            let pages = mapping.rss_bytes / self.page_size;
            runs.extend(present(
                &self.pagemap,
                range,
                self.page_size,
                pages,
                deadline,
            )?);
        }
        Ok(runs)
    }

    /// The bytes of such pages; fewer if some are gone.
    pub fn read(&self, run: PageRun) -> io::Result<Vec<u8>> {
        self.memory.read(run, self.page_size)
    }
}
