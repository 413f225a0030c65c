//! Pipes, by how much fits into them: what each holds now, only its own queue tells.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use rustc_hash::FxBuildHasher;
use rustix::pipe::fcntl_getpipe_size;

use crate::kernel::host::owners::process;
use crate::{
    kernel::host::descriptors::{Descriptor, Visitor, duplicate},
    model::{Certainty, HolderKind, KnownHolder},
};

/// Pipes by inode, each with its size and the first process that was seen to have it.
#[derive(Default)]
pub(super) struct Pipes {
    found: HashMap<u64, (u64, u32), FxBuildHasher>,
}

impl Visitor for Pipes {
    fn descriptor(&mut self, descriptor: &Descriptor<'_>) {
        let Some(inode) = descriptor.inode("pipe") else {
            return;
        };
        let pid = descriptor.process.pid;
        if let Entry::Vacant(pipe) = self.found.entry(inode)
            && let Some(bytes) = size(pid, descriptor.number)
        {
            pipe.insert((bytes, pid));
        }
    }
}

fn size(pid: u32, number: u32) -> Option<u64> {
    let size = fcntl_getpipe_size(duplicate(pid, number)?).ok()?;
    Some(size as u64)
}

impl Pipes {
    /// What all pipes would hold if they were full, by process.
    pub(super) fn holder(&self) -> Option<KnownHolder> {
        let mut processes: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for (size, pid) in self.found.values() {
            let (bytes, pipes) = processes.entry(*pid).or_default();
            (*bytes, *pipes) = (bytes.saturating_add(*size), *pipes + 1);
        }
        let parts = processes.into_iter();
        let holder = KnownHolder::of(
            HolderKind::Pipes,
            Certainty::AtMost,
            "F_GETPIPE_SZ",
            parts.map(|(pid, (bytes, pipes))| (bytes, (pid, pipes))),
            |&(pid, pipes)| format!("{}, pipes: {pipes}", process(pid)),
        )?;
        Some(KnownHolder {
            count: self.found.len() as u64,
            ..holder
        })
    }
}
