//! A disk that is full.

use std::{
    ffi::CString,
    fs,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{ffi::OsStrExt as _, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::{
    fs::CWD,
    io::Result,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
        fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change, move_mount,
    },
    param::page_size,
    thread::{UnshareFlags, unshare_unsafe},
};

use super::Pagetrace;

/// A file system whose files leave no page free. It is mounted nowhere but where one [`Pagetrace`]
/// sees it.
pub struct FullDisk {
    root: OwnedFd,
}

impl FullDisk {
    /// What is in the old file.
    pub const OLD: &str = "an old report";

    /// A disk of one page, and the old file of that name takes it.
    pub fn holding(name: &str) -> Self {
        let disk = Self::of_pages(1);
        fs::write(disk.path().join(name), Self::OLD).expect("room for one page");
        disk
    }

    /// A disk that files of these names and sizes in pages fill, the first of them the oldest.
    pub fn of(files: &[(&str, usize)]) -> Self {
        let disk = Self::of_pages(files.iter().map(|(_, pages)| pages).sum());
        for (age, (name, pages)) in (0..).zip(files.iter().rev()) {
            let path = disk.path().join(name);
            fs::write(&path, vec![0; pages * page_size()]).expect("room for all");
            let file = fs::File::options().append(true).open(path);
            let written = SystemTime::now() - Duration::from_secs(3600 * age);
            let set = file.and_then(|file| file.set_modified(written));
            set.expect("our own file");
        }
        disk
    }

    fn of_pages(pages: usize) -> Self {
        let root = tmpfs(pages * page_size());
        Self {
            root: root.expect("root may make a tmpfs"),
        }
    }

    /// The names of its files, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).expect("our own disk").flatten();
        let names = entries.map(|it| it.file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
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

fn tmpfs(bytes: usize) -> Result<OwnedFd> {
    let context = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, "size", bytes.to_string())?;
    fsconfig_create(&context)?;
    fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )
}
