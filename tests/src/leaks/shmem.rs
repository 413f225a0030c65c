//! Shared memory that no path leads to.

use std::{
    fs::{self, File},
    io, ptr,
};

use memmap2::{MmapMut, MmapOptions};
use rustix::{
    fs::{FallocateFlags, MemfdFlags, fallocate, memfd_create},
    mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount},
    param::page_size,
    thread::{UnshareFlags, unshare_unsafe},
};

use super::Held;
use crate::announcement::Announcement;

/// `leak shmem`
#[derive(clap::Args)]
pub struct Shmem {
    /// What holds the pages
    #[arg(long, value_enum)]
    pub by: ShmemHolder,
    /// How many MiB
    #[arg(long, default_value_t = 64)]
    pub mib: usize,
}

/// What holds the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ShmemHolder {
    /// Two descriptors and a mapping of one deleted file, on a tmpfs in a mount namespace of its own
    DeletedFile,
    /// A file on a tmpfs that another one is mounted upon, in a mount namespace of its own
    HiddenFile,
    /// An open file on a tmpfs that was unmounted, in a mount namespace of its own
    DetachedFile,
    /// A memfd
    Memfd,
    /// A shared mapping without a file
    Anonymous,
    /// A System V segment that nobody is attached to, in an IPC namespace of its own
    Segment,
}

impl Shmem {
    /// Takes the pages and keeps them.
    pub fn take(&self) -> io::Result<Held> {
        let bytes = self.mib << 20;
        let pages = Announcement::holding((bytes / page_size()) as u64);
        Ok(match self.by {
            ShmemHolder::DeletedFile => Held::new(pages, deleted_file(bytes)?),
            ShmemHolder::HiddenFile => Held::new(pages, hidden_file(bytes)?),
            ShmemHolder::DetachedFile => Held::new(pages, detached_file(bytes)?),
            ShmemHolder::Memfd => Held::new(pages, memfd(bytes)?),
            ShmemHolder::Anonymous => Held::new(pages, anonymous(bytes)?),
            ShmemHolder::Segment => {
                leave(UnshareFlags::NEWIPC)?;
                Held::new(pages, OrphanedSegment::new(bytes)?)
            }
        })
    }
}

/// Where the tmpfs is mounted: in a mount namespace of its own, nothing else is needed there.
const POINT: &str = "/tmp";

fn deleted_file(bytes: usize) -> io::Result<(File, File, MmapMut)> {
    leave(UnshareFlags::NEWNS)?;
    mount_tmpfs()?;
    let path = format!("{POINT}/forgotten");
    let file = filled(&path, bytes)?;
    fs::remove_file(path)?;
    // SAFETY: nobody else has the file, and nobody changes it.
    let mapped = unsafe { MmapOptions::new().len(bytes).map_mut(&file) }?;
    Ok((file.try_clone()?, file, mapped))
}

/// A new file with so many bytes of pages.
fn filled(path: &str, bytes: usize) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)?;
    fallocate(&file, FallocateFlags::empty(), 0, bytes as u64)?;
    Ok(file)
}

/// Nobody has the file open.
fn hidden_file(bytes: usize) -> io::Result<()> {
    leave(UnshareFlags::NEWNS)?;
    mount_tmpfs()?;
    filled(&format!("{POINT}/hidden"), bytes)?;
    mount_tmpfs()
}

fn detached_file(bytes: usize) -> io::Result<File> {
    leave(UnshareFlags::NEWNS)?;
    mount_tmpfs()?;
    let file = filled(&format!("{POINT}/detached"), bytes)?;
    unmount(POINT, UnmountFlags::DETACH)?;
    Ok(file)
}

fn mount_tmpfs() -> io::Result<()> {
    let none = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", none)?;
    Ok(mount("leak", POINT, "tmpfs", MountFlags::empty(), None)?)
}

fn memfd(bytes: usize) -> io::Result<File> {
    let file = File::from(memfd_create(c"leaked", MemfdFlags::CLOEXEC)?);
    fallocate(&file, FallocateFlags::empty(), 0, bytes as u64)?;
    Ok(file)
}

/// A shared mapping of zeros is the same as one of no file. The byte of each page makes the kernel
/// take it.
fn anonymous(bytes: usize) -> io::Result<MmapMut> {
    let zeros = File::options().read(true).write(true).open("/dev/zero")?;
    // SAFETY: nobody else can have the same memory.
    let mut memory = unsafe { MmapOptions::new().len(bytes).map_mut(&zeros) }?;
    memory
        .iter_mut()
        .step_by(page_size())
        .for_each(|it| *it = 1);
    Ok(memory)
}

fn leave(namespace: UnshareFlags) -> io::Result<()> {
    // SAFETY: this process has one thread, and namespaces are not memory.
    Ok(unsafe { unshare_unsafe(namespace) }?)
}

/// A System V segment that nobody is attached to. It stays until it is dropped.
pub struct OrphanedSegment {
    id: i32,
}

impl OrphanedSegment {
    /// Makes it and has the kernel take its pages.
    pub fn new(bytes: usize) -> io::Result<Self> {
        // SAFETY: it takes numbers only.
        let id = unsafe { libc::shmget(libc::IPC_PRIVATE, bytes, libc::IPC_CREAT | 0o600) };
        if id < 0 {
            return Err(io::Error::last_os_error());
        }
        let segment = Self { id };
        segment.fill(bytes)?;
        Ok(segment)
    }

    /// What the kernel calls it.
    pub fn id(&self) -> u64 {
        u64::try_from(self.id).expect("an id is not negative")
    }

    fn fill(&self, bytes: usize) -> io::Result<()> {
        // SAFETY: the kernel chooses where, and nothing else is there.
        let start = unsafe { libc::shmat(self.id, ptr::null(), 0) };
        if start as isize == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the segment is this long, and nobody else is attached to it.
        unsafe { ptr::write_bytes(start.cast::<u8>(), 1, bytes) };
        // SAFETY: nothing refers to it any more.
        unsafe { libc::shmdt(start) };
        Ok(())
    }
}

impl Drop for OrphanedSegment {
    fn drop(&mut self) {
        // SAFETY: the command needs no buffer.
        unsafe { libc::shmctl(self.id, libc::IPC_RMID, ptr::null_mut()) };
    }
}
