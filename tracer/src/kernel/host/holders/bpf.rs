//! BPF maps and programs.

use std::collections::BTreeMap;

use crate::kernel::host::owners::process;
use crate::{
    kernel::{
        bpf_fdinfo::{BpfKind, BpfObject},
        host::descriptors::{Descriptor, Visitor},
    },
    model::{Certainty, HolderKind, KnownHolder},
};

/// Objects of BPF by kind and number, each with the first process that was seen to have a
/// descriptor of it.
#[derive(Default)]
pub(super) struct Bpf {
    found: BTreeMap<(BpfKind, u32), (BpfObject, Option<u32>)>,
}

impl Visitor for Bpf {
    fn descriptor(&mut self, descriptor: &Descriptor<'_>) {
        let Some(kind) = descriptor.target.to_str().and_then(BpfKind::of) else {
            return;
        };
        // It may have been closed meanwhile.
        let Some(object) = descriptor.info().ok().and_then(|text| kind.object(&text)) else {
            return;
        };
        let pid = Some(descriptor.process.pid);
        self.found
            .entry((object.kind, object.id))
            .or_insert((object, pid));
    }
}

impl Bpf {
    /// Adds what the kernel lists, which has names, and what no descriptor refers to.
    pub(super) fn add(&mut self, listed: Vec<BpfObject>) {
        for object in listed {
            let key = (object.kind, object.id);
            let pid = self.found.get(&key).and_then(|(_, pid)| *pid);
            self.found.insert(key, (object, pid));
        }
    }

    /// What all objects of a kind hold.
    pub(super) fn holders(&self) -> impl Iterator<Item = KnownHolder> {
        let kinds = [BpfKind::Map, BpfKind::RingBuffer, BpfKind::Program];
        kinds.into_iter().filter_map(|kind| self.holder(kind))
    }

    fn holder(&self, kind: BpfKind) -> Option<KnownHolder> {
        use Certainty::{AtMost, Exact};
        let (holder, certainty, source) = match kind {
            BpfKind::Map => (HolderKind::BpfMaps, AtMost, "fdinfo: memlock"),
            BpfKind::RingBuffer => (HolderKind::BpfRingBuffers, Exact, "fdinfo: max_entries"),
            BpfKind::Program => (HolderKind::BpfPrograms, AtMost, "fdinfo: memlock"),
        };
        let found = self
            .found
            .values()
            .filter(|(object, _)| object.kind == kind);
        let parts = found.map(|it| (it.0.bytes, it));
        KnownHolder::of(holder, certainty, source, parts, |(object, pid)| {
            let owner = pid.map_or_else(|| "no descriptor seen".to_owned(), process);
            match object.name.as_str() {
                "" => format!("id {}, {owner}", object.id),
                name => format!("{name} ({}), {owner}", object.id),
            }
        })
    }
}
