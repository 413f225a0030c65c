//! One file in memory, put together from all that leads to it.

use super::{super::segments::Tables, links::Link};
use crate::{
    kernel::walk::allocated,
    model::{Device, Holders, MemoryFileSystem, ShmemKind, ShmemObject},
};

/// What tells a file from all others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Its file system, and its inode there.
    Inode(Device, u64),
    /// Its IPC namespace, and its id there.
    Segment { namespace: u64, id: u64 },
}

/// What is known of a file.
#[derive(Default)]
pub(super) struct Seen {
    name: String,
    kind: Option<ShmemKind>,
    bytes: Option<u64>,
    pub(super) holders: Holders,
    /// The process that was the last to be noted as a holder.
    pub(super) last: Option<u32>,
}

impl Seen {
    /// Takes over what this link says, if it is not known yet.
    pub(super) fn look_at(&mut self, link: Link, internal: Device) {
        if self.bytes.is_some() {
            return;
        }
        let stat = link.look();
        self.bytes = stat.as_ref().map(allocated);
        let is_deleted = match stat {
            Some(stat) => stat.st_nlink == 0,
            None => link.target.ends_with(DELETED),
        };
        let (kind, name) = if link.device == internal {
            internal_kind(&link.target)
        } else if is_deleted {
            (ShmemKind::DeletedFile, undeleted(&link.target))
        } else {
            (ShmemKind::File, undeleted(&link.target))
        };
        self.kind = Some(kind);
        self.name = name.to_owned();
    }

    pub(super) fn kind(&self) -> ShmemKind {
        self.kind.unwrap_or(ShmemKind::Driver)
    }

    pub(super) fn give_to_segment(self, segments: &mut Tables, namespace: u64, id: u64) {
        let segments = segments.get_mut(&namespace).into_iter().flatten();
        for segment in segments.filter(|segment| segment.id == id) {
            segment.holders = self.holders.clone();
        }
    }

    /// The file becomes an object of its own only if its file system is mounted nowhere.
    pub(super) fn give_to_file(
        self,
        file_system: &mut MemoryFileSystem,
        inode: u64,
    ) -> Option<ShmemObject> {
        if file_system.files.is_none() && file_system.mounts == 0 {
            let detached = Self {
                kind: Some(ShmemKind::DetachedFile),
                ..self
            };
            return Some(detached.object(&Key::Inode(file_system.device, inode)));
        }
        let files = file_system.files.as_mut();
        let largest = files.map(|files| &mut files.largest).into_iter().flatten();
        for file in largest.filter(|file| file.inode == inode) {
            file.holders = self.holders.clone();
        }
        None
    }

    pub(super) fn object(self, key: &Key) -> ShmemObject {
        let (device, inode) = match *key {
            Key::Inode(device, inode) => (device, inode),
            Key::Segment { id, .. } => (Device::default(), id),
        };
        ShmemObject {
            kind: self.kind(),
            device,
            inode,
            name: self.name,
            bytes: self.bytes,
            holders: self.holders,
        }
    }
}

/// What the kernel puts behind the path of a file that was deleted (fs/d_path.c).
const DELETED: &str = " (deleted)";

fn undeleted(target: &str) -> &str {
    target.strip_suffix(DELETED).unwrap_or(target)
}

/// Files of the kernel's own tmpfs are told by the names that it gives them: `memfd:NAME`
/// (mm/memfd.c), `dev/zero` (mm/shmem.c), `SYSV` and the key (ipc/shm.c); drivers choose others.
fn internal_kind(target: &str) -> (ShmemKind, &str) {
    let name = undeleted(target).trim_start_matches('/');
    if let Some(name) = name.strip_prefix("memfd:") {
        (ShmemKind::Memfd, name)
    } else if name == "dev/zero" {
        (ShmemKind::SharedAnonymous, "")
    } else if name.starts_with("SYSV") {
        (ShmemKind::Segment, name)
    } else {
        (ShmemKind::Driver, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_names_tell_what_a_file_is() {
        for (target, kind, name) in [
            ("/memfd:a b (deleted)", ShmemKind::Memfd, "a b"),
            ("/dev/zero (deleted)", ShmemKind::SharedAnonymous, ""),
            (
                "/SYSV0000002a (deleted)",
                ShmemKind::Segment,
                "SYSV0000002a",
            ),
            (
                "/drm mm object (deleted)",
                ShmemKind::Driver,
                "drm mm object",
            ),
        ] {
            assert_eq!(internal_kind(target), (kind, name));
        }
    }
}
