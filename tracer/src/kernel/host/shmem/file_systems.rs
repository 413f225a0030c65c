//! How full file systems in memory are, and their largest files.

use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, StatFs, fstat, fstatfs, open, openat2},
    io,
};

use super::{
    device, hidden,
    mounts::{Mounts, Place},
};
use crate::{
    kernel::walk::{self, Budget},
    model::{Device, MemoryFileSystem},
};

/// `TMPFS_MAGIC` and `HUGETLBFS_MAGIC` of include/uapi/linux/magic.h.
const TMPFS: u64 = 0x0102_1994;
const HUGETLBFS: u64 = 0x958458f6;

/// All file systems in memory, each once; with their files, if there is a budget for that.
pub(super) fn all(mounts: &Mounts, mut budget: Option<&mut Budget>) -> Vec<MemoryFileSystem> {
    let found = mounts.in_memory.iter().filter_map(|(&device, places)| {
        let mut places: Vec<_> = places.iter().collect();
        // Where this process sees all of it, if there is such a place.
        places.sort_by_key(|place| (!place.is_own, !place.is_whole));
        look_at(device, &places, budget.as_deref_mut())
    });
    found.collect()
}

/// None if it is not in memory.
fn look_at(
    device: Device,
    places: &[&Place],
    budget: Option<&mut Budget>,
) -> Option<MemoryFileSystem> {
    let opened = places.iter().find_map(|place| {
        let folder = open_place(place, device).ok()?;
        Some((place, folder))
    });
    let opened = opened.or_else(|| {
        let place = places.first()?;
        Some((place, hidden::uncover(place, device).ok()?))
    });
    let Some((place, folder)) = opened else {
        return places.first().map(|place| named(device, place, places));
    };
    let statistics = fstatfs(&folder).ok()?;
    is_in_memory(&statistics).then(|| MemoryFileSystem {
        files: budget.filter(|_| is_tmpfs(&statistics)).and_then(|budget| {
            let mut files = walk::files(listable(&folder).ok()?, budget);
            files.is_complete &= place.is_whole;
            Some(files)
        }),
        ..named(device, place, places).filled(&statistics)
    })
}

/// All that can be said of it without opening it.
fn named(device: Device, place: &Place, places: &[&Place]) -> MemoryFileSystem {
    MemoryFileSystem {
        device,
        kind: place.kind.clone(),
        point: place.point.clone(),
        seen_by: (!place.is_own).then(|| place.process.task()),
        mounts: places.len() as u64,
        ..MemoryFileSystem::default()
    }
}

/// The folder, or file, at which it is mounted; an error if something else is mounted upon it.
/// The path is another process's: it must not lead out of what that process sees.
fn open_place(place: &Place, expected: Device) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let root = format!("/proc/{}/root", place.process.pid);
    let root = open(root, flags | OFlags::DIRECTORY, Mode::empty())?;
    let point = match place.point.trim_start_matches('/') {
        "" => ".",
        point => point,
    };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let folder = openat2(root, point, flags, Mode::empty(), resolve)?;
    let is_same = device(fstat(&folder)?.st_dev) == expected;
    is_same.then_some(folder).ok_or(io::Errno::XDEV)
}

/// The same folder, to be read. A file cannot be.
fn listable(folder: impl AsFd) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    openat2(folder, ".", flags, Mode::empty(), resolve)
}

/// Whether these are statistics of a tmpfs.
pub(super) fn is_tmpfs(statistics: &StatFs) -> bool {
    magic(statistics) == TMPFS
}

fn is_in_memory(statistics: &StatFs) -> bool {
    [TMPFS, HUGETLBFS].contains(&magic(statistics))
}

/// The field is signed on some architectures.
fn magic(statistics: &StatFs) -> u64 {
    statistics.f_type as u64 & 0xffff_ffff
}

impl MemoryFileSystem {
    /// The same with what statfs(2) says. Without a limit it says nothing: no blocks
    /// (mm/shmem.c, `shmem_statfs`).
    pub(super) fn filled(self, statistics: &StatFs) -> Self {
        let page_bytes = u64::try_from(statistics.f_bsize).unwrap_or(0);
        let blocks = statistics.f_blocks;
        let has_limit = blocks > 0 && i64::try_from(blocks).is_ok();
        let used = blocks.saturating_sub(statistics.f_bfree);
        let bytes = |blocks: u64| has_limit.then(|| blocks.saturating_mul(page_bytes));
        Self {
            page_bytes,
            used_bytes: bytes(used),
            limit_bytes: bytes(blocks),
            ..self
        }
    }
}
