//! The network namespaces that can be reached: those of processes, those that a descriptor or a
//! socket keeps, and those that are mounted, as `ip netns` does it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::MetadataExt as _,
    },
    path::PathBuf,
    thread,
};

use anyhow::{Context as _, Error, Result};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{
    descriptors::{Descriptor, Process, Visitor},
    read,
};
use crate::{
    kernel::mountinfo::Mount,
    model::{Feature, Limitation},
};

/// Network namespaces by inode.
#[derive(Default)]
pub(super) struct Namespaces {
    found: BTreeMap<u64, Namespace>,
}

/// A network namespace, and a way into it.
pub(super) struct Namespace {
    /// Its number.
    pub(super) inode: u64,
    name: String,
    way: Way,
}

enum Way {
    /// This thread is in it.
    Here,
    Path(PathBuf),
    Descriptor(OwnedFd),
}

impl Visitor for Namespaces {
    fn process(&mut self, process: &Process) {
        let path = process.path("ns/net");
        if let Ok(namespace) = fs::metadata(&path) {
            self.add(namespace.ino(), path);
        }
    }

    fn descriptor(&mut self, descriptor: &Descriptor<'_>) {
        if let Some(inode) = descriptor.inode("net") {
            self.add(inode, descriptor.path());
        }
    }
}

impl Namespaces {
    /// Our own first, then all others, once the pass is over.
    pub(super) fn all(mut self) -> Vec<Namespace> {
        for (inode, path) in mounted() {
            let name = path.file_name().map(|it| it.to_string_lossy().into_owned());
            let named = Namespace::new(inode, name, Way::Path(path));
            self.found.insert(inode, named);
        }
        let own = fs::metadata("/proc/self/ns/net").map_or(0, |own| own.ino());
        self.found.remove(&own);
        let own = Namespace::new(own, None, Way::Here);
        std::iter::once(own)
            .chain(self.found.into_values())
            .collect()
    }

    fn add(&mut self, inode: u64, path: PathBuf) {
        let found = self.found.entry(inode);
        found.or_insert_with(|| Namespace::new(inode, None, Way::Path(path)));
    }
}

/// Enters these one after the other and has each looked at, by a thread of its own: it cannot come back
/// from another namespace, and just ends there. Says why some were not entered.
pub(super) fn visit(
    namespaces: &[Namespace],
    mut look: impl FnMut(&Namespace) + Send,
) -> Vec<Error> {
    let mut closed = Vec::new();
    if namespaces.is_empty() {
        return closed;
    }
    let ended = thread::scope(|scope| {
        let visit = || {
            for namespace in namespaces {
                match namespace.enter() {
                    Ok(()) => look(namespace),
                    Err(error) => closed.push(error),
                }
            }
        };
        let thread = thread::Builder::new().spawn_scoped(scope, visit)?;
        thread
            .join()
            .map_err(|_| Error::msg("the thread that looked at them failed"))
    });
    closed.extend(ended.err());
    closed
}

/// What could not be seen, as these namespaces could not be entered; none if all were.
pub(super) fn limitation(closed: &[Error]) -> Option<Limitation> {
    let first = closed.first()?;
    let reason = format!("{} were not seen: {first:#}", closed.len());
    let limitation = Feature::NetworkNamespaces.degraded(reason);
    Some(limitation.remedied("run it as root"))
}

/// Inodes and mount points of those that are mounted, for this process.
fn mounted() -> Vec<(u64, PathBuf)> {
    let mounts = read("/proc/self/mountinfo").unwrap_or_default();
    let mounts = mounts.lines().filter_map(Mount::parse);
    let namespaces = mounts.filter_map(|mount| {
        let inode = mount.root.strip_prefix("net:[")?.strip_suffix(']')?;
        Some((inode.parse().ok()?, PathBuf::from(mount.point)))
    });
    namespaces.collect()
}

impl Namespace {
    fn new(inode: u64, name: Option<String>, way: Way) -> Self {
        let name = name.unwrap_or_else(|| inode.to_string());
        Self { inode, name, way }
    }

    /// That of a descriptor of it.
    pub(super) fn opened(descriptor: OwnedFd) -> Option<Self> {
        let inode = rustix::fs::fstat(&descriptor).ok()?.st_ino;
        Some(Self::new(inode, None, Way::Descriptor(descriptor)))
    }

    /// Moves the calling thread into it, for good.
    ///
    /// # Errors
    ///
    /// Without CAP_SYS_ADMIN, or if it is gone.
    fn enter(&self) -> Result<()> {
        let network = Some(LinkNameSpaceType::Network);
        let cannot = || format!("cannot enter network namespace {}", self.name);
        match &self.way {
            Way::Here => Ok(()),
            Way::Descriptor(file) => {
                move_into_link_name_space(file.as_fd(), network).with_context(cannot)
            }
            Way::Path(path) => {
                let file = File::open(path).with_context(cannot)?;
                move_into_link_name_space(file.as_fd(), network).with_context(cannot)
            }
        }
    }

    /// `, netns blue`; nothing for our own.
    pub(super) fn suffix(&self) -> String {
        match self.way {
            Way::Here => String::new(),
            Way::Path(_) | Way::Descriptor(_) => format!(", netns {}", self.name),
        }
    }
}
