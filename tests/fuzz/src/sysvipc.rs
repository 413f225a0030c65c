//! There are no more segments than lines below the header, and each is one that the text spells;
//! lines before others do not hide them.

use pagetrace::kernel::sysvipc::segments;

pub(crate) fn check(data: &[u8]) {
    let text = crate::text(data);
    let found = segments(text);
    assert!(found.len() <= text.lines().count().saturating_sub(1));
    for segment in &found {
        for number in [segment.id, segment.size_bytes, segment.attached] {
            assert!(text.contains(&number.to_string()), "{number}");
        }
    }
    const HEADER: &str = "key shmid perms size cpid lpid nattch";
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    let below = segments(&format!("{HEADER}\n{rest}"));
    let more = segments(&format!("{HEADER}\n-1 5 600 4096 7 7 0\nbroken\n{rest}"));
    assert_eq!(more.first().map(|segment| segment.id), Some(5));
    assert_eq!(more.get(1..), Some(below.as_slice()));
}
