//! A mapping is of a file, and its range is one that can be part of a path; lines before others do
//! not hide them.

use pagetrace::kernel::maps::mappings;

pub(crate) fn check(data: &[u8]) {
    let found: Vec<_> = mappings(data).collect();
    for mapping in &found {
        let (start, end) = mapping.range.split_once('-').expect("two addresses");
        let is_address = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_address(start) && is_address(end), "{}", mapping.range);
        assert!(!mapping.path.is_empty());
        assert_ne!((mapping.device.major, mapping.device.minor), (0, 0));
    }
    let first = b"1-2 rw-s 00000000 00:01 7 /dev/zero (deleted)\n3-4 rw-p 00000000 00:00 0\n";
    let more = [first, data].concat();
    let more: Vec<_> = mappings(&more).collect();
    assert_eq!(more.first().map(|mapping| mapping.inode), Some(7));
    assert_eq!(more.get(1..), Some(found.as_slice()));
}
