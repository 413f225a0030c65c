//! What is mounted, in every mount namespace that has a process.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
};

use super::processes::{Process, Processes};
use crate::{kernel::mountinfo::Mount, model::Device};

/// Types of file systems that can be in memory. A `rootfs` is in a tmpfs or in a ramfs.
const KINDS: [&str; 4] = ["tmpfs", "devtmpfs", "rootfs", "hugetlbfs"];

/// All mounts of the machine.
#[derive(Default)]
pub(super) struct Mounts {
    /// File systems that can be in memory, and where each is mounted.
    pub(super) in_memory: BTreeMap<Device, Vec<Place>>,
    /// The file system of each mount.
    pub(super) devices: HashMap<u64, Device>,
}

/// A place where a file system is mounted.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) kind: String,
    pub(super) point: String,
    /// Whether all of the file system is mounted there, and not a folder of it.
    pub(super) is_whole: bool,
    /// A process that sees it.
    pub(super) process: Process,
    /// Whether this process sees it, too.
    pub(super) is_own: bool,
}

impl Mounts {
    pub(super) fn of(processes: &Processes) -> Self {
        let mut mounts = Self::default();
        for (index, group) in processes.by(|it| it.view).iter().enumerate() {
            let mut texts = group.iter().filter_map(mountinfo);
            if let Some((process, text)) = texts.next() {
                mounts.add(process, &text, index == 0);
            }
        }
        mounts
    }

    fn add(&mut self, process: Process, mountinfo: &str, is_own: bool) {
        for mount in mountinfo.lines().filter_map(Mount::parse) {
            self.devices.insert(mount.id, mount.device);
            if !KINDS.contains(&mount.kind) {
                continue;
            }
            self.in_memory.entry(mount.device).or_default().push(Place {
                kind: mount.kind.to_owned(),
                point: mount.path().into_owned(),
                is_whole: mount.root == "/",
                process,
                is_own,
            });
        }
    }
}

/// A process can end while it is looked at.
fn mountinfo(process: &Process) -> Option<(Process, String)> {
    let text = fs::read(format!("/proc/{}/mountinfo", process.pid)).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    (!text.is_empty()).then_some((*process, text))
}
