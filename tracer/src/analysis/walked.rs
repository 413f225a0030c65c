//! Known holders of memory, measured by the page frames that they refer to.

use std::collections::BTreeMap;

use super::{
    holder_names::{key, named},
    holders::{About, holder, pages_of_objects},
};
use crate::model::{
    Certainty, Found, Held, HolderKind, HoldersBy, KnownHolder, ObjectKind, PageHolder, PageUse,
};

/// What pipes, sockets and rings have of what no counter explains.
pub fn walked_holders(found: &Found, held: &Held, about: &About) -> Vec<KnownHolder> {
    let pages = pages_of_objects(held, PageUse::is_unexplained);
    let mut parts = BTreeMap::<(HolderKind, String), (u64, Vec<PageHolder>)>::new();
    for (object, pages) in pages {
        let Some(holder) = holder(found, about, object) else {
            continue;
        };
        let Some(kind) = kind(holder.kind) else {
            continue;
        };
        let part = parts
            .entry((kind, key(&holder, HoldersBy::Holder)))
            .or_default();
        part.0 += pages.saturating_mul(about.page_size);
        part.1.push(holder);
    }
    let kinds = [
        HolderKind::Pipes,
        HolderKind::Sockets,
        HolderKind::PacketRings,
        HolderKind::PerfRings,
        HolderKind::IoUringRings,
        HolderKind::TunQueues,
        HolderKind::BpfRingBuffers,
    ];
    let of_kind = |kind: HolderKind| {
        let parts = parts.iter().filter(move |((of, _), _)| *of == kind);
        let parts: Vec<_> = parts
            .map(|(_, (bytes, holders))| (*bytes, holders))
            .collect();
        let count = parts.iter().map(|(_, holders)| holders.len() as u64).sum();
        let holder = KnownHolder::of(kind, Certainty::Exact, "page frames", parts, |it| named(it))?;
        Some(KnownHolder { count, ..holder })
    };
    kinds.into_iter().filter_map(of_kind).collect()
}

const fn kind(kind: ObjectKind) -> Option<HolderKind> {
    Some(match kind {
        ObjectKind::Pipe => HolderKind::Pipes,
        ObjectKind::Socket => HolderKind::Sockets,
        ObjectKind::PacketRing => HolderKind::PacketRings,
        ObjectKind::PerfRing => HolderKind::PerfRings,
        ObjectKind::IoUring => HolderKind::IoUringRings,
        ObjectKind::TunQueue => HolderKind::TunQueues,
        ObjectKind::BpfRingBuffer => HolderKind::BpfRingBuffers,
        // User memory; a page a task; little, and soon gone.
        ObjectKind::XdpMemory | ObjectKind::TaskFragment | ObjectKind::DeferredPackets => {
            return None;
        }
    })
}
