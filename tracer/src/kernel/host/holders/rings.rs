//! Rings of perf events and of io_uring, by what the processes that have them have mapped. A ring
//! whose descriptor was closed is mapped still, and not seen.

use std::{collections::BTreeSet, io::Read as _};

use crate::kernel::host::owners::process;
use crate::{
    kernel::{
        host::descriptors::{Descriptor, Process, Visitor},
        io_uring_fdinfo,
        ring_mappings::{RingKind, RingMapping, rings},
    },
    model::{Certainty, HolderKind, KnownHolder},
};

/// Rings, and what is registered with them.
#[derive(Default)]
pub(super) struct Rings {
    /// The process whose mappings were read last: descriptors come process by process.
    read: Option<u32>,
    rings: Vec<(RingMapping, u32)>,
    /// Parts of io_urings that were seen: a child has the mappings of its parent.
    shared: BTreeSet<(u64, u64, u64)>,
    registered: Vec<(u64, u32)>,
}

impl Visitor for Rings {
    fn descriptor(&mut self, descriptor: &Descriptor<'_>) {
        let Some(kind) = descriptor.target.to_str().and_then(RingKind::of) else {
            return;
        };
        let pid = descriptor.process.pid;
        if self.read != Some(pid) {
            self.read = Some(pid);
            self.add_mappings(descriptor.process);
        }
        if kind == RingKind::IoUring
            && let Ok(text) = descriptor.info()
        {
            let bytes = io_uring_fdinfo::registered_bytes(&text);
            self.registered.push((bytes, pid));
        }
    }
}

impl Rings {
    /// A ring of perf is of one process only: its mapping is not for children (`VM_DONTCOPY`).
    fn add_mappings(&mut self, process: &Process) {
        let mut maps = Vec::new();
        let file = process.open("maps");
        if file
            .and_then(|mut file| file.read_to_end(&mut maps))
            .is_err()
        {
            return;
        }
        for ring in rings(&String::from_utf8_lossy(&maps)) {
            let part = (ring.inode, ring.offset, ring.start);
            if ring.kind == RingKind::Perf || self.shared.insert(part) {
                self.rings.push((ring, process.pid));
            }
        }
    }

    /// What all rings hold.
    pub(super) fn holders(&self) -> impl Iterator<Item = KnownHolder> {
        let registered = KnownHolder::of(
            HolderKind::IoUringBuffers,
            Certainty::AtMost,
            "fdinfo: UserBufs",
            self.registered.iter().copied(),
            |&pid| process(pid),
        );
        let perf = self.holder(RingKind::Perf, HolderKind::PerfRings);
        let io_uring = self.holder(RingKind::IoUring, HolderKind::IoUringRings);
        [perf, io_uring, registered].into_iter().flatten()
    }

    fn holder(&self, kind: RingKind, holder: HolderKind) -> Option<KnownHolder> {
        let rings = self.rings.iter().filter(|(ring, _)| ring.kind == kind);
        KnownHolder::of(
            holder,
            Certainty::Exact,
            "/proc/PID/maps",
            rings.map(|(ring, pid)| (ring.bytes, *pid)),
            |&pid| process(pid),
        )
    }
}
