//! Known holders of memory, measured by the page frames that they refer to.

use std::collections::{BTreeMap, HashMap};

use super::holders::{About, holder, key, named};
use crate::model::{
    Certainty, Found, Held, HolderKind, HoldersBy, KnownHolder, ObjectKind, PageHolder,
};

/// What pipes, sockets and rings have of what no counter explains. A block that several refer to
/// counts for the first of them.
pub fn walked_holders(found: &Found, held: &Held, about: &About) -> Vec<KnownHolder> {
    let mut pages = HashMap::<u32, u64>::new();
    let blocks = held.blocks.iter();
    for block in blocks.filter(|block| block.page_use.is_unexplained()) {
        if let Some((object, _)) = block.held.first() {
            *pages.entry(*object).or_default() += block.pages;
        }
    }
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
        // A page a task.
        ObjectKind::TaskFragment => return None,
    })
}
