//! Some zone ends at the highest frame, and none ends above it.

use crate::kernel::zoneinfo::frames;

/// A zone before all others, and what the reader forgets it by.
const ZONE: &[u8] = b"        spanned  10\n  start_pfn:           5\n        spanned  0\n";

pub(super) fn check(data: &[u8]) {
    let found = frames(data);
    let before = frames(&[ZONE, data].concat()[..]);
    match (found, before) {
        (Ok(found), Ok(before)) => {
            assert!(found > 0 && found <= 1 << 55, "{found}");
            assert_eq!(before, found.max(15));
        }
        (Ok(found), Err(error)) => panic!("{found} frames, and with one more zone {error}"),
        (Err(_), Ok(before)) => assert_eq!(before, 15),
        (Err(_), Err(_)) => {}
    }
}
