//! A frame is never 0, keeps to its bits, and needs the page to be present.

use pagetrace::kernel::pagemap::{ENTRY_LEN, frame};

const PRESENT: u64 = 1 << 63;
/// Soft-dirty, exclusive, write-protected, guard, file-backed, swapped.
const FLAGS: u64 = 0xff << 55 & !PRESENT;

pub(crate) fn check(data: &[u8]) {
    for entry in data.as_chunks::<ENTRY_LEN>().0 {
        let entry = u64::from_ne_bytes(*entry);
        let found = frame(entry);
        assert_eq!(found, frame(entry ^ FLAGS), "flags are not the frame");
        assert_eq!(frame(entry & !PRESENT), None);
        if let Some(found) = found {
            assert!(found != 0 && found >> 55 == 0, "{found:x}");
            assert_eq!(frame(PRESENT | found), Some(found));
        }
    }
}
