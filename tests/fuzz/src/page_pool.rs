//! A pool has the bytes that stand last in its message, and a number.

use pagetrace::kernel::page_pool::{family, pool};

pub(crate) fn check(data: &[u8]) {
    family(data);
    let Some(found) = pool(data) else {
        return;
    };
    // The four bytes of the header, and two attributes.
    assert!(data.len() >= 4 + 2 * 8);
    let more = [
        &[5, 1, 0, 0],
        &attribute(1, 7)[..],
        &attribute(5, 4096),
        &data[4..],
    ]
    .concat();
    assert_eq!(pool(&more), Some(found));
}

fn attribute(kind: u16, value: u32) -> Vec<u8> {
    let head = [8_u16.to_ne_bytes(), kind.to_ne_bytes()].concat();
    [head, value.to_ne_bytes().to_vec()].concat()
}
