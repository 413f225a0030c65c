//! A cache has no more bytes than its line can spell, and lines are independent of each other.

use pagetrace::kernel::slabinfo::caches;

const VERSION: &[u8] = b"slabinfo - version: 2.1\n";
const CACHE: &[u8] = b"one 1 2 3 4 5 : tunables 0 0 0 : slabdata 1 2 0\n";

pub(crate) fn check(data: &[u8]) {
    let Ok(found) = caches(&[VERSION, data].concat()[..], 4096) else {
        return;
    };
    let text = crate::text(data);
    assert!(found.iter().all(|cache| text.contains(&cache.name)));
    let with_one_more = caches(&[VERSION, CACHE, data].concat()[..], 4096);
    let with_one_more = with_one_more.expect("what could be read before can be read");
    assert_eq!(with_one_more[0].bytes, 2 * 5 * 4096);
    assert_eq!(with_one_more[1..], found);
    assert!(caches(data, 4096).is_err() || data.starts_with(b"slabinfo - version: 2."));
}
