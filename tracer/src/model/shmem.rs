//! Shared memory of the machine: file systems in memory, and what has no place in any.

use serde::{Deserialize, Serialize};

use super::Task;

/// What is known of shared memory (shmem), and of file systems that are made of huge pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shmem {
    /// Every file system in memory, of every mount namespace that could be looked into, once each.
    pub file_systems: Vec<MemoryFileSystem>,
    /// What is in them and beside them; none if only mounts were asked for.
    pub contents: Option<ShmemContents>,
}

/// A file system in memory: tmpfs, devtmpfs, hugetlbfs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryFileSystem {
    /// What tells it from all others.
    pub device: Device,
    /// Its type, as the kernel calls it.
    pub kind: String,
    /// Where it is mounted; empty if it is mounted nowhere, and open files keep it.
    pub point: String,
    /// A process that sees it there, if pagetrace does not, or that keeps it.
    pub seen_by: Option<Task>,
    /// How often it is mounted, all mount namespaces together.
    pub mounts: u64,
    /// Bytes in a page of it: more than a page frame has where it is made of huge pages.
    pub page_bytes: u64,
    /// Bytes in use, with those that are swapped out; none if nobody could tell.
    pub used_bytes: Option<u64>,
    /// Bytes that it can have (`size=`); none if it has no limit.
    pub limit_bytes: Option<u64>,
    /// Its files, if they were looked at.
    pub files: Option<WalkedFiles>,
}

/// A device number, as `MAJOR:MINOR` in mountinfo.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Device {
    /// The upper part; 0 for all that is no disk.
    pub major: u32,
    /// The lower part.
    pub minor: u32,
}

/// The files of a file system that a name leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalkedFiles {
    /// How many there are.
    pub count: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// Whether all were seen: the search is bounded in files and time.
    pub is_complete: bool,
    /// The largest, largest first.
    pub largest: Vec<SizedFile>,
}

/// A file of a file system in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizedFile {
    /// Its path below the mount point.
    pub path: String,
    /// Its inode.
    pub inode: u64,
    /// Bytes of its pages, with those that are swapped out.
    pub bytes: u64,
    /// Who has it open or mapped.
    pub holders: Holders,
}

/// What is in file systems and beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShmemContents {
    /// `Shmem` of `/proc/meminfo` before anything else was read.
    pub before_bytes: u64,
    /// `Shmem` after all was read.
    pub after_bytes: u64,
    /// Memory that no name leads to, largest first: each inode once.
    pub objects: Vec<ShmemObject>,
    /// System V segments, of every IPC namespace that could be looked into, largest first.
    pub segments: Vec<SysvSegment>,
    /// How many processes there are.
    pub processes: u64,
    /// How many of them could not be looked into.
    pub unreadable_processes: u64,
    /// Bytes of shmem that these have mapped (`RssShmem`), each process by itself: what several
    /// have mapped is in it several times.
    pub unreadable_mapped_bytes: u64,
}

/// Memory that no name leads to, and that somebody has open or mapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShmemObject {
    /// What it is.
    pub kind: ShmemKind,
    /// The file system it is in.
    pub device: Device,
    /// Its inode.
    pub inode: u64,
    /// The name it was given, or had.
    pub name: String,
    /// Bytes of its pages, with those that are swapped out; none if the kernel does not tell this
    /// user.
    pub bytes: Option<u64>,
    /// Who has it open or mapped.
    pub holders: Holders,
}

/// What a piece of shared memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShmemKind {
    /// All of a file system.
    FileSystem,
    /// A file with a name.
    File,
    /// A file of a tmpfs that was deleted while somebody had it open or mapped.
    DeletedFile,
    /// A file of a tmpfs that is mounted nowhere any more.
    DetachedFile,
    /// `memfd_create`.
    Memfd,
    /// `mmap` with `MAP_SHARED | MAP_ANONYMOUS`.
    SharedAnonymous,
    /// `shmget`, attached to a process.
    Segment,
    /// `shmget`, attached to none.
    OrphanedSegment,
    /// Made in the kernel, by a driver.
    Driver,
    /// Of which nobody is known to have it.
    Unattributed,
}

/// Who has something open or mapped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holders {
    /// How many processes.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Holder>,
}

/// A process that has something open or mapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub task: Task,
    /// A descriptor by which it is open; none if it is only mapped.
    pub descriptor: Option<u32>,
}

/// A System V segment (`/proc/sysvipc/shm`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SysvSegment {
    /// Its id, for `ipcrm -m`.
    pub id: u64,
    /// The key by which programs find it; 0 if there is none.
    pub key: u32,
    /// Bytes that were asked for.
    pub size_bytes: u64,
    /// Bytes of its pages in memory; none on kernels that do not tell.
    pub resident_bytes: Option<u64>,
    /// Bytes of it that are swapped out.
    pub swapped_bytes: u64,
    /// How often it is attached. An orphan is attached 0 times.
    pub attached: u64,
    /// Whether it is made of huge pages, which `Shmem` does not count.
    pub is_huge: bool,
    /// When it was made, or its owner last changed: seconds since 1970.
    pub changed_at: Option<u64>,
    /// The process that made it; its name is empty if it has ended.
    pub creator: Option<Task>,
    /// A process of its IPC namespace, if that is not pagetrace's.
    pub seen_by: Option<Task>,
    /// Who has it mapped.
    pub holders: Holders,
}

impl MemoryFileSystem {
    /// Whether its pages are shmem; those of a hugetlbfs are not.
    pub fn is_shmem(&self) -> bool {
        self.kind != "hugetlbfs"
    }

    /// How much of what it can have it has.
    pub fn share_of_limit(&self) -> Option<f64> {
        let limit = self.limit_bytes.filter(|&limit| limit > 0)?;
        Some(self.used_bytes? as f64 / limit as f64)
    }
}

impl SysvSegment {
    /// Bytes of its pages, with those that are swapped out.
    pub fn bytes(&self) -> u64 {
        let resident = self.resident_bytes.unwrap_or(0);
        resident.saturating_add(self.swapped_bytes)
    }
}

impl Holders {
    /// How many are named.
    const NAMED: usize = 8;

    /// One more.
    pub fn add(&mut self, holder: Holder) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < Self::NAMED {
            self.first.push(holder);
        }
    }
}
