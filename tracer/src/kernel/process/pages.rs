//! `/proc/PID/pagemap` and `/proc/PID/mem`: which pages of a process are there, and their bytes.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt as _, time::Instant};

use crate::{
    kernel::pagemap::{ENTRY_LEN, is_present},
    model::PageRun,
};

/// What of the addresses is present, up to `most` pages and until `deadline`. Nothing is faulted in
/// by looking (Documentation/admin-guide/mm/pagemap.rst).
pub fn present(
    pagemap: &File,
    addresses: Range<u64>,
    page_size: u64,
    most: u64,
    deadline: Instant,
) -> io::Result<Vec<PageRun>> {
    const ENTRIES: usize = 64 * 1024;
    let mut bytes = vec![0; ENTRIES * ENTRY_LEN];
    let (mut runs, mut found) = (Vec::new(), 0);
    let (mut page, end) = (addresses.start / page_size, addresses.end / page_size);
    while page < end && found < most && Instant::now() < deadline {
        let wanted = (end - page).min(ENTRIES as u64) as usize * ENTRY_LEN;
        let place = page.saturating_mul(ENTRY_LEN as u64);
        let len = pagemap.read_at(&mut bytes[..wanted], place)?;
        let entries = bytes[..len].as_chunks::<ENTRY_LEN>().0;
        if entries.is_empty() {
            break;
        }
        for (index, entry) in entries.iter().enumerate() {
            if is_present(u64::from_ne_bytes(*entry)) {
                found += 1;
                extend(&mut runs, (page + index as u64) * page_size, page_size);
            }
        }
        page += entries.len() as u64;
    }
    Ok(runs)
}

fn extend(runs: &mut Vec<PageRun>, address: u64, page_size: u64) {
    match runs.last_mut() {
        Some(run) if run.address + run.pages * page_size == address => run.pages += 1,
        _ => runs.push(PageRun { address, pages: 1 }),
    }
}

/// The memory of another process, open for reading. The process goes on meanwhile: it is neither
/// stopped nor traced.
#[derive(Debug)]
pub struct Memory(File);

impl Memory {
    /// Of a file `/proc/PID/mem`.
    pub const fn new(file: File) -> Self {
        Self(file)
    }

    /// Reads pages; fewer than asked for if the rest is gone. A page that went to swap since
    /// it was found present is brought back.
    pub fn read(&self, run: PageRun, page_size: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; run.pages.saturating_mul(page_size) as usize];
        let len = self.0.read_at(&mut bytes, run.address)?;
        bytes.truncate(len);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, time::Duration};

    use super::*;

    fn pagemap(presence: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("room");
        for &present in presence {
            let entry = u64::from(present) << 63 | 7;
            file.write_all(&entry.to_ne_bytes()).expect("room");
        }
        file
    }

    fn runs(presence: &[u8], addresses: Range<u64>, most: u64) -> Vec<(u64, u64)> {
        let deadline = Instant::now() + Duration::from_secs(60);
        let runs = present(&pagemap(presence), addresses, 4096, most, deadline);
        let runs = runs.expect("a file can be read");
        runs.iter().map(|run| (run.address, run.pages)).collect()
    }

    #[test]
    fn present_pages_are_found_in_runs() {
        let presence = [0, 1, 1, 0, 1, 1];
        assert_eq!(
            runs(&presence, 0..6 << 12, u64::MAX),
            [(4096, 2), (4 << 12, 2)]
        );
        assert_eq!(
            runs(&presence, 2 << 12..5 << 12, u64::MAX),
            [(2 << 12, 1), (4 << 12, 1)]
        );
        assert_eq!(
            runs(&presence, 0..1 << 40, u64::MAX),
            [(4096, 2), (4 << 12, 2)]
        );
    }

    #[test]
    fn nothing_is_searched_beyond_what_there_is() {
        let presence = [vec![1], vec![0; 200_000], vec![1]].concat();
        assert_eq!(runs(&presence, 0..1 << 40, 1), [(0, 1)]);
    }

    #[test]
    fn memory_that_is_gone_is_an_error_or_short() {
        let mut file = tempfile::tempfile().expect("room");
        file.write_all(&[1; 5000]).expect("room");
        let memory = Memory::new(file);
        let run = PageRun {
            address: 4096,
            pages: 2,
        };
        assert_eq!(memory.read(run, 4096).expect("a file").len(), 904);
    }
}
