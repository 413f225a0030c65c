//! A count is one that the text spells; lines before others win.

use pagetrace::kernel::fdinfo::recursion_misses;

pub(crate) fn check(data: &[u8]) {
    let fdinfo = crate::text(data);
    if let Some(misses) = recursion_misses(fdinfo) {
        assert!(fdinfo.contains(&misses.to_string()));
    }
    let others = format!("x_recursion_misses:\t3\nrecursion_misses_x:\t3\n{fdinfo}");
    assert_eq!(recursion_misses(&others), recursion_misses(fdinfo));
    let before = format!("prog_type:\t17\nrecursion_misses:\t42\n{fdinfo}");
    assert_eq!(recursion_misses(&before), Some(42));
}
