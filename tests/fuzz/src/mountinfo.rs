//! A mount point is one that the text spells, of a whole file system of the kind; lines before others
//! do not hide them.

use pagetrace::kernel::mountinfo::{Mount, points};

pub(crate) fn check(data: &[u8]) {
    let mountinfo = crate::text(data);
    let found: Vec<_> = points(mountinfo, "tracefs").collect();
    for point in &found {
        assert!(mountinfo.contains(&format!(" / {point} ")), "{point}");
    }
    for mount in mountinfo.lines().filter_map(Mount::parse) {
        // An escape is four characters for one.
        assert!(mount.path().len() <= mount.point.len(), "{}", mount.point);
    }
    let more = format!("1 0 0:1 / /first rw - tracefs x rw\nbroken - tracefs\n{mountinfo}");
    let more: Vec<_> = points(&more, "tracefs").collect();
    assert_eq!(more.first(), Some(&"/first"));
    assert_eq!(more.get(1..), Some(found.as_slice()));
}
