//! `/proc/PID/maps`: rings that the kernel shares with a process.
//!
//! Their pages come from the page allocator: those of perf one by one, `VmallocUsed` counts none of
//! them (`rb_alloc`, kernel/events/ring_buffer.c). io_uring takes a block of a power of two of
//! pages if there is one (`io_mem_alloc_compound`, io_uring/memmap.c), so it may have more than is
//! mapped.

/// What a ring is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the kernel's")]
pub enum RingKind {
    Perf,
    IoUring,
}

/// A ring, or a part of one, in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingMapping {
    /// What it is for.
    pub kind: RingKind,
    /// Its bytes.
    pub bytes: u64,
    /// Where it begins.
    pub start: u64,
    /// Which part of the ring it is.
    pub offset: u64,
    /// The file's inode; before Linux 5.13 all rings of a kind have the same.
    pub inode: u64,
}

/// `IORING_OFF_CQ_RING`: the same pages as those at offset 0 (`IORING_FEAT_SINGLE_MMAP`, Linux 5.4).
const COMPLETIONS: u64 = 0x800_0000;

impl RingKind {
    /// The kind of ring that a descriptor's target or a mapping's path names.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "anon_inode:[perf_event]" => Some(Self::Perf),
            "anon_inode:[io_uring]" => Some(Self::IoUring),
            _ => None,
        }
    }
}

/// The rings in this text, each part once.
pub fn rings(maps: &str) -> impl Iterator<Item = RingMapping> {
    let rings = maps.lines().filter_map(ring);
    rings.filter(|ring| ring.kind == RingKind::Perf || ring.offset != COMPLETIONS)
}

/// `7f5be7600000-7f5be7701000 rw-s 00000000 00:0f 1057    anon_inode:[perf_event]`.
fn ring(line: &str) -> Option<RingMapping> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let (start, end) = (hexadecimal(start)?, hexadecimal(end)?);
    let offset = hexadecimal(words.nth(1)?)?;
    let inode = words.nth(1)?.parse().ok()?;
    Some(RingMapping {
        kind: RingKind::of(words.next()?)?,
        bytes: end.checked_sub(start)?,
        start,
        offset,
        inode,
    })
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
7f5be7500000-7f5be7501000 rw-p 00000000 00:00 0 
7f5be7600000-7f5be7701000 rw-s 00000000 00:0f 1057                       anon_inode:[perf_event]
7f5be7800000-7f5be7801000 rw-s 10000000 00:0f 1058                       anon_inode:[io_uring]
7f5be7802000-7f5be7803000 rw-s 08000000 00:0f 1058                       anon_inode:[io_uring]
7f5be7804000-7f5be7805000 rw-s 00000000 00:0f 1058                       anon_inode:[io_uring]
7f5be7806000-7f5be7805000 rw-s 00000000 00:0f 1058                       anon_inode:[io_uring]
7f5be7900000-7f5be7901000 rw-s 00000000 00:0f 1059                       anon_inode:[other]
";

    #[test]
    fn a_ring_has_the_pages_that_are_mapped() {
        let rings: Vec<_> = rings(MAPS).collect();
        let bytes = |kind| -> u64 {
            let rings = rings.iter().filter(|ring| ring.kind == kind);
            rings.map(|ring| ring.bytes).sum()
        };
        assert_eq!(bytes(RingKind::Perf), 257 * 4096);
        // Of the completions' and the submissions' part, which are the same pages, one.
        assert_eq!(bytes(RingKind::IoUring), 2 * 4096);
        assert_eq!(rings.len(), 3);
    }
}
