//! A ring is a line of the text; lines before others do not hide them.

use pagetrace::kernel::ring_mappings::rings;

pub(crate) fn check(data: &[u8]) {
    let maps = crate::text(data);
    let found: Vec<_> = rings(maps).collect();
    assert!(found.len() <= maps.lines().count());
    let first = "1000-3000 rw-s 00000000 00:0f 7 anon_inode:[perf_event]\nbroken\n";
    let more: Vec<_> = rings(&format!("{first}{maps}")).collect();
    assert_eq!(more.first().map(|ring| ring.bytes), Some(0x2000));
    assert_eq!(more.get(1..), Some(found.as_slice()));
}
