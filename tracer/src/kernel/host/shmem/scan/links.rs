//! Descriptors and mappings, as links to files.

use std::{fs, io, os::unix::ffi::OsStrExt as _};

use rustix::fs::{FileType, MemfdFlags, Stat, fstat, memfd_create, stat};

use super::{super::mounts::Mounts, seen::Key};
use crate::{
    kernel::{
        fdinfo,
        host::shmem::{device, processes::Process},
        maps::Mapping,
    },
    model::Device,
};

/// A link of `/proc` to a file that can be in memory.
pub(super) struct Link {
    /// The link itself.
    pub(super) path: String,
    /// What it says: the path of the file when it was opened, and maybe ` (deleted)`.
    pub(super) target: String,
    pub(super) device: Device,
    pub(super) inode: u64,
    /// What is known of the file already.
    pub(super) stat: Option<Stat>,
}

impl Link {
    /// None if it leads to no regular file, or to one of a file system that is mounted and not
    /// in memory. That is not asked: if its server is gone, the question has no end.
    pub(super) fn of_descriptor(
        pid: u32,
        number: u32,
        mounts: &Mounts,
    ) -> io::Result<Option<Self>> {
        let path = format!("/proc/{pid}/fd/{number}");
        let target = fs::read_link(&path)?;
        if !target.as_os_str().as_bytes().starts_with(b"/") {
            return Ok(None);
        }
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}"))?;
        let mounted = fdinfo::mount_id(&info).and_then(|id| mounts.devices.get(&id));
        if mounted.is_some_and(|device| !mounts.in_memory.contains_key(device)) {
            return Ok(None);
        }
        let stat = stat(&path)?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        Ok(is_file.then(|| Self {
            target: target.to_string_lossy().into_owned(),
            device: device(stat.st_dev),
            inode: stat.st_ino,
            stat: Some(stat),
            path,
        }))
    }

    pub(super) fn of_mapping(mapping: &Mapping<'_>, path: String) -> Self {
        Self {
            path,
            target: String::from_utf8_lossy(mapping.path).into_owned(),
            device: mapping.device,
            inode: mapping.inode,
            stat: None,
        }
    }

    /// A segment has its id for an inode, which another IPC namespace can have as well, and
    /// another file, too (ipc/shm.c, `newseg`).
    pub(super) fn key(&self, internal: Device, process: &Process) -> Key {
        if self.device == internal && self.target.starts_with("/SYSV") {
            return Key::Segment {
                namespace: process.ipc.unwrap_or_default(),
                id: self.inode,
            };
        }
        Key::Inode(self.device, self.inode)
    }

    /// What the kernel says of the file; none if this user may not ask
    /// (fs/proc/base.c, `proc_map_files_get_link`).
    pub(super) fn look(&self) -> Option<Stat> {
        self.stat.or_else(|| stat(&self.path).ok())
    }
}

/// The tmpfs that the kernel has for itself: for memfds, shared anonymous memory, segments and
/// drivers (mm/shmem.c, `shm_mnt`). A file of our own is in it.
pub(super) fn internal() -> Device {
    /// It is the first that the kernel mounts.
    const FIRST: Device = Device { major: 0, minor: 1 };
    let own = |flags| memfd_create(c"pagetrace", MemfdFlags::CLOEXEC | flags);
    // The kernel warns of those that can be executed, or refuses them; before 6.3 it does not
    // know those that cannot.
    let own = own(MemfdFlags::NOEXEC_SEAL).or_else(|_| own(MemfdFlags::empty()));
    let number = own.and_then(|file| fstat(&file));
    number.map_or(FIRST, |stat| device(stat.st_dev))
}
