//! A disk that is full.

use std::{
    ffi::CString,
    fs,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{ffi::OsStrExt as _, process::CommandExt as _},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::CWD,
    io::Result,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
        fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change, move_mount,
    },
    thread::{UnshareFlags, unshare_unsafe},
};

use super::Pagetrace;

/// A file system of one page, with one old file that takes it. It is mounted
/// nowhere but where one [`Pagetrace`] sees it.
pub struct FullDisk {
    root: OwnedFd,
}

impl FullDisk {
    /// What is in the old file.
    pub const OLD: &str = "an old report";

    /// A disk on which the old file has that name.
    pub fn holding(name: &str) -> Self {
        let root = tmpfs().expect("root may make a tmpfs");
        let disk = Self { root };
        fs::write(disk.path().join(name), Self::OLD).expect("room for one page");
        disk
    }

    /// The names of its files, and what is in them.
    pub fn files(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.path()).expect("our own disk");
        let read = |entry: fs::DirEntry| {
            let content = fs::read_to_string(entry.path()).expect("our own file");
            (entry.file_name().to_string_lossy().into_owned(), content)
        };
        entries.flatten().map(read).collect()
    }

    /// Reaches the files without any mount point.
    fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.root.as_raw_fd()).into()
    }
}

impl Pagetrace {
    /// Shows it the disk at the folder `at`, in a mount namespace of its own.
    pub fn with_disk(mut self, disk: &FullDisk, at: &Path) -> Self {
        let root = disk.root.try_clone().expect("a descriptor to spare");
        let at = CString::new(at.as_os_str().as_bytes()).expect("a path has no zero");
        let mount = move || {
            // SAFETY: the child has one thread, which is about to become another program.
            unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
            let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
            mount_change(c"/", private)?;
            let whole = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            Ok(move_mount(&root, c"", CWD, &*at, whole)?)
        };
        // SAFETY: nothing but system calls on values made before the fork.
        unsafe { self.command.pre_exec(mount) };
        self
    }
}

fn tmpfs() -> Result<OwnedFd> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "size", "4k")?;
    fsconfig_create(&context)?;
    fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )
}
