//! Mappings are as many as there are lines that begin one, and their sums are those of all.

use pagetrace::{
    kernel::process::{areas, mappings, pss},
    model::Mapping,
};

pub(crate) fn check(data: &[u8]) {
    let mut all = Vec::new();
    areas(data, |area| all.push(area)).expect("bytes can be read");
    let lines = data.split(|&byte| byte == b'\n').count();
    assert!(all.len() <= lines);
    let merged = mappings(data).expect("bytes can be read");
    assert!(merged.is_sorted_by_key(|it| std::cmp::Reverse(it.held_bytes())));
    let count: u64 = merged.iter().map(|it| it.count).sum();
    assert_eq!(count, all.len() as u64);
    let sum = |size: fn(&Mapping) -> u64| {
        let single = all.iter().map(|it| size(&it.mapping));
        let single = single.fold(0, u64::saturating_add);
        let together = merged.iter().map(size).fold(0, u64::saturating_add);
        assert_eq!(single, together);
    };
    sum(|it| it.rss_bytes);
    sum(|it| it.anonymous_bytes);
    sum(|it| it.size_bytes);
    if let Some(bytes) = pss(data) {
        assert_eq!(bytes % 1024, 0);
    }
}
