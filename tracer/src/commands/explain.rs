//! What is known of page frames that nothing was found to hold: what points to them, and what class of
//! data they have.

use std::{cmp::Reverse, collections::BTreeMap};

use super::page_frames::PageFrames;
use crate::{
    analysis,
    bpf::{self, OwnerLayout},
    kernel::{
        host,
        objects::{self, Places, Referrers},
        read_memory::ReadMemory as _,
    },
    model::{
        ContentClass, ContentPages, Explanation, PageBlock, PageKey, PageUse, Referrer,
        ReferrerKind,
    },
    symbols::KernelSymbols,
};

/// What points to these blocks, in ascending order, and what is in them.
pub(super) fn explain(
    frames: &mut PageFrames,
    layout: &OwnerLayout,
    unheld: &[PageBlock],
) -> Explanation {
    let Some(places) = frames.places() else {
        return Explanation::default();
    };
    let (slabs, vmalloc) = (&frames.slabs, &frames.vmalloc);
    let found = objects::referrers(&mut frames.memory, places, slabs, vmalloc, unheld);
    Explanation {
        pages: unheld.iter().map(|block| block.pages).sum(),
        compared_bytes: found.compared_bytes,
        referrers: named(frames, layout, found),
        contents: contents(frames, places, unheld),
    }
}

fn named(frames: &mut PageFrames, layout: &OwnerLayout, found: Referrers) -> Vec<Referrer> {
    let key = |owner: &u64| PageKey {
        page_use: PageUse::Slab,
        owner: *owner,
        order: 0,
        node: 0,
    };
    let keys: Vec<_> = found.caches.keys().map(key).collect();
    let mut caches = bpf::owner_names(&mut frames.memory, layout, &keys);
    let callers: Vec<_> = found.callers.keys().copied().collect();
    // Without them, callers are not named.
    let symbols = host::kallsyms().map(|kallsyms| KernelSymbols::new(kallsyms, None));
    let names = symbols.map(|symbols| symbols.functions(&callers));
    let callers = names.unwrap_or_default();
    let referrer = |kind, name, pages| Referrer { kind, name, pages };
    let caches = found.caches.into_iter().map(|(cache, pages)| {
        let name = caches.remove(&cache).flatten();
        referrer(ReferrerKind::SlabCache, name, pages)
    });
    let callers = found.callers.into_iter().map(|(caller, pages)| {
        let name = callers.get(&caller).cloned().flatten();
        referrer(ReferrerKind::Vmalloc, name, pages)
    });
    let mut referrers: Vec<_> = caches.chain(callers).collect();
    referrers.sort_by(|a, b| {
        (Reverse(a.pages), a.kind, &a.name).cmp(&(Reverse(b.pages), b.kind, &b.name))
    });
    referrers
}

/// How many page frames have data of each class, of as many as are looked at.
fn contents(frames: &mut PageFrames, places: Places, unheld: &[PageBlock]) -> Vec<ContentPages> {
    /// 256 MiB, which takes a second.
    const MOST: usize = 1 << 16;
    const PAGE: usize = 4096;
    let all = unheld.iter().flat_map(|it| it.first..it.first + it.pages);
    let mut contents = BTreeMap::<_, u64>::new();
    for frame in all.take(MOST) {
        let page = frames.memory.read(places.address(frame), PAGE);
        let class = page.map_or(ContentClass::Unreadable, analysis::content);
        *contents.entry(class).or_default() += 1;
    }
    let contents = contents.into_iter();
    let mut contents: Vec<_> = contents
        .map(|(class, pages)| ContentPages { class, pages })
        .collect();
    contents.sort_by_key(|it| Reverse(it.pages));
    contents
}
