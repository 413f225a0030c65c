//! Ids of tracepoints, on a machine where nobody mounted tracefs.

use std::{
    fs::File,
    io::{self, Read as _},
};

use rustix::{
    fs::{Mode, OFlags, openat},
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
};

/// The id that `perf_event_open` knows the tracepoint `category/name` by.
///
/// The file system is mounted nowhere: the mount is a descriptor of its own,
/// and gone with it.
pub(crate) fn tracepoint_id(category: &str, name: &str) -> io::Result<u64> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let root = fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_RDONLY,
    )?;
    let path = format!("events/{category}/{name}/id");
    let file = openat(&root, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut id = String::new();
    File::from(file).read_to_string(&mut id)?;
    id.trim().parse().map_err(io::Error::other)
}
