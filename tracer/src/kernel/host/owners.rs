//! Which processes hold a socket.

use std::{
    collections::{BTreeSet, HashMap},
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
};

use rustc_hash::FxBuildHasher;

use super::{
    descriptors::{Descriptor, Visitor, duplicate},
    namespaces::Namespace,
};

/// Sockets by inode, each with the processes that were seen to hold it, and their descriptors.
#[derive(Default)]
pub(super) struct Owners {
    sockets: HashMap<u64, Vec<(u32, u32)>, FxBuildHasher>,
}

impl Visitor for Owners {
    fn descriptor(&mut self, descriptor: &Descriptor<'_>) {
        if let Some(inode) = descriptor.inode("socket") {
            let owner = (descriptor.process.pid, descriptor.number);
            self.sockets.entry(inode).or_default().push(owner);
        }
    }
}

impl Owners {
    /// Whose socket it is: `tcpdump (pid 4711)`.
    pub(super) fn of_socket(&self, inode: u32) -> String {
        match self.descriptors(inode.into()).first() {
            Some(&(pid, _)) => process(pid),
            None => "no process seen".to_owned(),
        }
    }

    /// The processes that were seen to hold a socket, each with its descriptor of it.
    pub(super) fn descriptors(&self, inode: u64) -> &[(u32, u32)] {
        self.sockets.get(&inode).map_or(&[], Vec::as_slice)
    }

    /// The inodes of all sockets that processes were seen to hold.
    pub(super) fn inodes(&self) -> impl Iterator<Item = u64> {
        self.sockets.keys().copied()
    }

    /// The network namespaces of sockets that are not among these, if they are others than these.
    pub(super) fn other_namespaces(
        &self,
        sockets: &BTreeSet<u64>,
        namespaces: &[Namespace],
    ) -> Vec<Namespace> {
        let mut known: BTreeSet<_> = namespaces.iter().map(|it| it.inode).collect();
        let others = self
            .sockets
            .iter()
            .filter(|(inode, _)| !sockets.contains(inode));
        let others = others.filter_map(|(_, holders)| {
            let &(pid, number) = holders.first()?;
            network_of(pid, number)
        });
        others.filter(|it| known.insert(it.inode)).collect()
    }
}

/// The network namespace that a socket is in.
fn network_of(pid: u32, number: u32) -> Option<Namespace> {
    /// include/uapi/linux/sockios.h
    const SIOCGSKNS: libc::Ioctl = 0x894c;
    let socket = duplicate(pid, number)?;
    // SAFETY: the request takes nothing and only returns a number.
    let descriptor = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGSKNS) };
    if descriptor < 0 {
        return None;
    }
    // SAFETY: the kernel has just made it, and gave it to nobody else.
    Namespace::opened(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// A process by its name: `tcpdump (pid 4711)`.
pub(super) fn process(pid: u32) -> String {
    match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("{} (pid {pid})", name.trim_end_matches('\n')),
        Err(_) => format!("pid {pid}"),
    }
}
