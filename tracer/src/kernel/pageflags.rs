//! `/proc/kpageflags`: what each page frame is now.
//!
//! Not by a library: `procfs` is no faster (105 ms for a million frames, and 100 ms here),
//! drops the flags above 26, which tell file pages, and has one reader at a time.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use anyhow::{Context as _, Result, ensure};

use crate::model::PageState;

/// Bytes per entry. The kernel wants offsets and lengths that are multiples of it.
const ENTRY_LEN: usize = 8;

/// Bytes read at once, the flags of 1024 page frames.
const READ_LEN: usize = 1024 * ENTRY_LEN;

/// Flags of one page frame, by the numbers of
/// include/uapi/linux/kernel-page-flags.h, which are ABI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageFlags(pub u64);

const LOCKED: u64 = 1;
const REFERENCED: u64 = 1 << 2;
const UPTODATE: u64 = 1 << 3;
const LRU: u64 = 1 << 5;
const ACTIVE: u64 = 1 << 6;
const SLAB: u64 = 1 << 7;
const BUDDY: u64 = 1 << 10;
const MMAP: u64 = 1 << 11;
const ANON: u64 = 1 << 12;
const SWAPCACHE: u64 = 1 << 13;
const SWAPBACKED: u64 = 1 << 14;
const HUGE: u64 = 1 << 17;
const UNEVICTABLE: u64 = 1 << 18;
const TAIL: u64 = 1 << 16;
const NOPAGE: u64 = 1 << 20;
const THP: u64 = 1 << 22;
const OFFLINE: u64 = 1 << 23;
const ZERO_PAGE: u64 = 1 << 24;
const PGTABLE: u64 = 1 << 26;
const RESERVED: u64 = 1 << 32;
const PRIVATE: u64 = 1 << 35;

/// What a page is that has all of the first flags and none of the second; the first
/// that fits decides (`stable_page_flags`, fs/proc/page.c).
///
/// `THP` is set for a large folio of any size, and also for those of files. Anonymous
/// memory stays so when nobody has it mapped any more, as long as somebody holds it.
///
/// A page of the page cache waits in a batch of its CPU for the LRU list (`folio_add_lru`,
/// mm/swap.c), up to 31 of them, and is known by what else is set: locked while it is read,
/// later up to date, or, if it holds a file system's metadata, with buffers (`PRIVATE`) that
/// were looked up. Drivers set `PRIVATE` or `REFERENCED`, too, as the perf ring does, but
/// not both.
const STATES: [(u64, u64, PageState); 19] = [
    (BUDDY, 0, PageState::Free),
    (HUGE, 0, PageState::HugeTlb),
    (THP | ZERO_PAGE, 0, PageState::HugeZero),
    (SLAB, 0, PageState::Slab),
    (PGTABLE, 0, PageState::PageTable),
    (OFFLINE, 0, PageState::Offline),
    (ANON, MMAP | SWAPCACHE, PageState::Pinned),
    (ANON | THP, 0, PageState::LargeAnonymous),
    (ANON, 0, PageState::Anonymous),
    (SWAPCACHE, 0, PageState::SwapCache),
    (LRU, 0, PageState::PageCache),
    (THP, 0, PageState::PageCache),
    (SWAPBACKED, 0, PageState::PageCache),
    (UNEVICTABLE, 0, PageState::PageCache),
    (UPTODATE, 0, PageState::MaybePageCache),
    (ACTIVE, 0, PageState::MaybePageCache),
    (LOCKED, 0, PageState::MaybePageCache),
    (PRIVATE | REFERENCED, 0, PageState::MaybePageCache),
    (RESERVED, 0, PageState::Reserved),
];

impl PageFlags {
    /// Whether it is part of a block and not its first page.
    pub const fn is_tail(self) -> bool {
        self.0 & TAIL != 0
    }

    /// Whether there is no page of this number.
    pub const fn is_absent(self) -> bool {
        self.0 & NOPAGE != 0
    }

    /// What the page is.
    pub fn state(self) -> PageState {
        let found = STATES
            .iter()
            .find(|&&(all, none, _)| self.0 & (all | none) == all);
        found.map_or(PageState::Unmarked, |&(.., state)| state)
    }
}

/// The flags of all page frames, readable in any order.
#[derive(Debug)]
pub struct PageFlagsFile(File);

impl PageFlagsFile {
    /// Opens the file at `path`, and reads from it: a kernel may refuse that.
    pub fn open(path: &str) -> Result<Self> {
        let file = File::open(path).map(Self);
        let first = file.and_then(|file| Ok((file.read(0, 1)?, file)));
        let (first, file) = first.with_context(|| format!("cannot read {path}"))?;
        ensure!(!first.is_empty(), "{path} is empty");
        Ok(file)
    }

    /// The flags of up to `count` page frames from `first` on; fewer beyond the last one.
    pub fn read(&self, first: u64, count: usize) -> io::Result<Vec<PageFlags>> {
        let mut flags = Vec::with_capacity(count);
        self.each(first, count, |it| flags.push(it))?;
        Ok(flags)
    }

    /// Appends what each of these page frames is.
    pub fn states(&self, first: u64, count: usize, states: &mut Vec<PageState>) -> io::Result<()> {
        self.each(first, count, |flags| states.push(flags.state()))
    }

    fn each(&self, first: u64, count: usize, mut take: impl FnMut(PageFlags)) -> io::Result<()> {
        let mut bytes = [0; READ_LEN];
        let mut done = 0;
        while done < count {
            let len = READ_LEN.min((count - done) * ENTRY_LEN);
            let offset = (first + done as u64) * ENTRY_LEN as u64;
            let filled = self.0.read_at(&mut bytes[..len], offset)?;
            let (entries, _) = bytes[..filled].as_chunks();
            if entries.is_empty() {
                break;
            }
            let flags = entries.iter().map(|&it| PageFlags(u64::from_ne_bytes(it)));
            flags.for_each(&mut take);
            done += entries.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const HEAD: u64 = 1 << 15;

    #[test]
    fn flags_tell_what_a_page_is() {
        for (set, state) in [
            (0, PageState::Unmarked),
            (BUDDY, PageState::Free),
            (SLAB | HEAD, PageState::Slab),
            (UPTODATE | LRU | MMAP | ANON, PageState::Anonymous),
            (
                MMAP | UPTODATE | LRU | ANON | HEAD | THP,
                PageState::LargeAnonymous,
            ),
            // Written to ext4 in one piece; a tail of it on Linux 5.10.
            (UPTODATE | LRU | HEAD | THP, PageState::PageCache),
            (TAIL | THP, PageState::PageCache),
            (THP | ZERO_PAGE | HEAD, PageState::HugeZero),
            (UPTODATE | LRU, PageState::PageCache),
            (SWAPBACKED | UPTODATE, PageState::PageCache),
            // Given to a pipe, and unmapped.
            (UPTODATE | LRU | SWAPBACKED | ANON, PageState::Pinned),
            (UPTODATE | SWAPBACKED | ANON | THP | HEAD, PageState::Pinned),
            // Swapped out, and in again by a neighbour.
            (
                UPTODATE | SWAPBACKED | SWAPCACHE | ANON,
                PageState::Anonymous,
            ),
            (UPTODATE | SWAPBACKED | SWAPCACHE, PageState::SwapCache),
            (MMAP | PGTABLE, PageState::PageTable),
            (HUGE | HEAD, PageState::HugeTlb),
            (OFFLINE, PageState::Offline),
            (RESERVED, PageState::Reserved),
            // A driver's page that a process has mapped, the head of a block.
            (MMAP | HEAD, PageState::Unmarked),
            // Seen while `find` read the inodes of ext4, not yet on the LRU list.
            (REFERENCED | PRIVATE, PageState::MaybePageCache),
            (ACTIVE | PRIVATE, PageState::MaybePageCache),
            // A chunk of a perf ring (`rb_alloc_aux_page`), and one that was mapped.
            (PRIVATE, PageState::Unmarked),
            (REFERENCED, PageState::Unmarked),
        ] {
            assert_eq!(PageFlags(set).state(), state, "{set:#x}");
        }
    }

    #[test]
    fn entries_are_read_up_to_the_end() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        for entry in [1_u64, 2, 3] {
            file.write_all(&entry.to_ne_bytes()).expect("room for it");
        }
        let path = file.path().to_str().expect("a UTF-8 path");
        let file = PageFlagsFile::open(path).expect("it can be read");
        let read = |first, count| file.read(first, count).expect("it can be read");
        assert_eq!(read(1, 1), [PageFlags(2)]);
        assert_eq!(read(1, 9), [PageFlags(2), PageFlags(3)]);
        assert_eq!(read(9, 9), []);
    }

    #[test]
    fn a_file_that_is_missing_says_so() {
        let error = PageFlagsFile::open("/no/such/file").expect_err("it is missing");
        assert!(error.to_string().contains("/no/such/file"), "{error}");
    }
}
