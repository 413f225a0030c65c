//! File systems that another one is mounted upon.
//!
//! A thread takes a copy of the mount namespace in which the file system is hidden, cuts it off
//! from all others, and unmounts there what lies upon it. The copy ends with the thread; nobody
//! else's mounts change.

use std::{
    fs::File,
    io,
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
    thread,
};

use rustix::{
    fs::{Mode, OFlags, fstat, open},
    mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount},
    thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe},
};

use super::{device, mounts::Place};
use crate::model::Device;

/// More than this is not mounted upon one file system.
const MOST_LAYERS: usize = 16;

/// Opens the file system that is hidden at this place; it takes root.
pub(super) fn uncover(place: &Place, hidden: Device) -> io::Result<OwnedFd> {
    let namespace = File::open(format!("/proc/{}/ns/mnt", place.process.pid))?;
    thread::scope(|scope| {
        let opener = thread::Builder::new().spawn_scoped(scope, || {
            enter_copy(&namespace)?;
            dig(Path::new(&place.point), hidden)
        })?;
        let broken = |_| Err(io::Error::other("the thread that unmounts broke off"));
        opener.join().unwrap_or_else(broken)
    })
}

/// Puts this thread into a copy of the namespace that no other receives changes from.
fn enter_copy(namespace: &File) -> io::Result<()> {
    // SAFETY: the thread gets its own root and working directory, which no memory refers to.
    unsafe { unshare_unsafe(UnshareFlags::FS) }?;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Mount))?;
    // SAFETY: as above, and mounts are not memory either.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    let cut_off = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    Ok(mount_change("/", cut_off)?)
}

fn dig(point: &Path, hidden: Device) -> io::Result<OwnedFd> {
    for _ in 0..MOST_LAYERS {
        let opened = open(point, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        if let Ok(folder) = opened
            && device(fstat(&folder)?.st_dev) == hidden
        {
            return Ok(folder);
        }
        // What hides it can lie upon a folder further up.
        let flags = UnmountFlags::DETACH | UnmountFlags::NOFOLLOW;
        let mut upon = point.ancestors().filter(|it| it.parent().is_some());
        if !upon.any(|folder| unmount(folder, flags).is_ok()) {
            break;
        }
    }
    Err(io::Error::from(io::ErrorKind::NotFound))
}
