//! What processes have open and mapped of shared memory. Each inode is counted once, however
//! many descriptors, mappings and namespaces lead to it.

mod links;
mod seen;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
};

use rustix::fs::{StatFs, statfs};

use self::{
    links::Link,
    seen::{Key, Seen},
};
use super::{
    file_systems::is_tmpfs,
    is_denied,
    mounts::Mounts,
    processes::{Process, name},
    segments::Tables,
};
use crate::{
    kernel::maps,
    model::{Device, Holder, MemoryFileSystem, ShmemKind, ShmemObject, Task},
};

/// A look into processes, one by one.
pub(super) struct Scan<'a> {
    mounts: &'a Mounts,
    file_systems: &'a mut Vec<MemoryFileSystem>,
    /// The kernel's own tmpfs, which is mounted nowhere.
    internal: Device,
    /// What file systems are; those of no mount are looked at when they are met.
    known: HashMap<Device, Known>,
    found: BTreeMap<Key, Seen>,
    /// Segments that are mapped from another file system: they are made of huge pages.
    huge: BTreeSet<(u64, u64)>,
    unreadable: Vec<Process>,
}

/// What a file system is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// A tmpfs.
    Tmpfs,
    /// It can be one, and could not be looked at.
    Unreached,
    /// Another one.
    Other,
}

/// What was found.
pub(super) struct Scanned {
    /// Memory that no name leads to, largest first.
    pub(super) objects: Vec<ShmemObject>,
    /// The processes that could not be looked into.
    pub(super) unreadable: Vec<Process>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(mounts: &'a Mounts, file_systems: &'a mut Vec<MemoryFileSystem>) -> Self {
        let others = mounts.devices.values().map(|&it| (it, Known::Other));
        let in_memory = file_systems.iter().map(|it| (it.device, Known::of(it)));
        let internal = links::internal();
        Self {
            internal,
            known: others
                .chain(in_memory)
                .chain([(internal, Known::Tmpfs)])
                .collect(),
            mounts,
            file_systems,
            found: BTreeMap::new(),
            huge: BTreeSet::new(),
            unreadable: Vec::new(),
        }
    }

    /// Looks into a process. One that ends meanwhile has nothing any more.
    pub(super) fn process(&mut self, process: &Process) {
        let descriptors = self.descriptors(process);
        let mappings = self.mappings(process);
        let is_unreadable = |it: &io::Result<()>| it.as_ref().is_err_and(is_denied);
        if is_unreadable(&descriptors) || is_unreadable(&mappings) {
            self.unreadable.push(*process);
        }
    }

    fn descriptors(&mut self, process: &Process) -> io::Result<()> {
        for entry in fs::read_dir(format!("/proc/{}/fd", process.pid))? {
            let name = entry?.file_name();
            let Some(descriptor) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let Ok(Some(link)) = Link::of_descriptor(process.pid, descriptor, self.mounts) else {
                continue;
            };
            if self.is_shmem(link.device, process, || statfs(&link.path)) {
                self.note(process, link, Some(descriptor));
            }
        }
        Ok(())
    }

    fn mappings(&mut self, process: &Process) -> io::Result<()> {
        let maps = fs::read(format!("/proc/{}/maps", process.pid))?;
        for mapping in maps::mappings(&maps) {
            let path = format!("/proc/{}/map_files/{}", process.pid, mapping.range);
            if self.is_shmem(mapping.device, process, || statfs(&path)) {
                self.note(process, Link::of_mapping(&mapping, path), None);
            } else if mapping.path.starts_with(b"/SYSV") {
                let namespace = process.ipc.unwrap_or_default();
                self.huge.insert((namespace, mapping.inode));
            }
        }
        Ok(())
    }

    /// Whether this is a tmpfs. One that is mounted nowhere, or could not be reached, is taken
    /// in now.
    fn is_shmem(
        &mut self,
        device: Device,
        process: &Process,
        statistics: impl FnOnce() -> rustix::io::Result<StatFs>,
    ) -> bool {
        match self.known.get(&device) {
            Some(Known::Tmpfs) => return true,
            Some(Known::Other) => return false,
            Some(Known::Unreached) | None => {}
        }
        let Ok(statistics) = statistics() else {
            return false;
        };
        if !is_tmpfs(&statistics) {
            self.known.insert(device, Known::Other);
            return false;
        }
        self.known.insert(device, Known::Tmpfs);
        let mut listed = self.file_systems.iter_mut();
        match listed.find(|it| it.device == device) {
            Some(place) => *place = place.clone().filled(&statistics),
            None => {
                let detached = detached(device, process, &statistics);
                self.file_systems.push(detached);
            }
        }
        true
    }

    fn note(&mut self, process: &Process, link: Link, descriptor: Option<u32>) {
        let key = link.key(self.internal, process);
        let seen = self.found.entry(key).or_default();
        seen.look_at(link, self.internal);
        if seen.last != Some(process.pid) {
            seen.last = Some(process.pid);
            seen.holders.add(Holder {
                task: Task {
                    pid: process.pid,
                    name: name(process.pid).unwrap_or_default(),
                },
                descriptor,
            });
        }
    }

    /// Gives files and segments their holders; what is left has no name that leads to it.
    pub(super) fn finish(self, segments: &mut Tables) -> Scanned {
        for (&namespace, table) in &mut *segments {
            for segment in table {
                segment.is_huge |= self.huge.contains(&(namespace, segment.id));
            }
        }
        let mut objects = Vec::new();
        for (key, seen) in self.found {
            match key {
                Key::Segment { namespace, id } if segments.contains_key(&namespace) => {
                    seen.give_to_segment(segments, namespace, id);
                }
                Key::Inode(device, inode) if seen.kind() == ShmemKind::File => {
                    let place = self.file_systems.iter_mut().find(|it| it.device == device);
                    objects.extend(place.and_then(|it| seen.give_to_file(it, inode)));
                }
                _ => objects.push(seen.object(&key)),
            }
        }
        objects.sort_by_key(|it| (Reverse(it.bytes), it.device, it.inode));
        Scanned {
            objects,
            unreadable: self.unreadable,
        }
    }
}

impl Known {
    fn of(it: &MemoryFileSystem) -> Self {
        match (it.page_bytes, it.is_shmem()) {
            (0, _) => Self::Unreached,
            (_, true) => Self::Tmpfs,
            (_, false) => Self::Other,
        }
    }
}

/// A tmpfs that is mounted nowhere any more, and that this process keeps.
fn detached(device: Device, process: &Process, statistics: &StatFs) -> MemoryFileSystem {
    let detached = MemoryFileSystem {
        device,
        kind: "tmpfs".to_owned(),
        seen_by: Some(process.task()),
        ..MemoryFileSystem::default()
    };
    detached.filled(statistics)
}
