//! What is known of page frames that nothing was found to hold: what points to them, and what class of
//! data they have.

use std::{cmp::Reverse, collections::BTreeMap};

use super::page_frames::PageFrames;
use crate::{
    analysis::{self, ImagePointers, KnownOwners},
    bpf::{self, OwnerLayout},
    kernel::{
        host,
        objects::{self, Places, Referrers},
        read_memory::ReadMemory as _,
    },
    model::{
        ContentClass, ContentPages, Explanation, Feature, Limitation, PageBlock, PageKey, PageUse,
        Referrer, ReferrerKind,
    },
    symbols::KernelSymbols,
};

/// What points to these blocks, in ascending order, and what is in them.
pub(super) fn explain(
    frames: &mut PageFrames,
    layout: &OwnerLayout,
    unheld: &[PageBlock],
    limitations: &mut Vec<Limitation>,
) -> Explanation {
    let Some(places) = frames.places() else {
        return Explanation::default();
    };
    let (slabs, vmalloc) = (&frames.slabs, &frames.vmalloc);
    let found = objects::referrers(&mut frames.memory, places, slabs, vmalloc, unheld);
    let symbols = symbols();
    let text = symbols.as_ref().ok().and_then(KernelSymbols::text);
    let pointers = ImagePointers::to(analysis::image(text));
    let (contents, pointers) = contents(frames, places, unheld, pointers);
    let explanation = Explanation {
        pages: unheld.iter().map(|block| block.pages).sum(),
        compared_bytes: found.compared_bytes,
        referrers: named(frames, layout, symbols.as_ref().ok(), found),
        contents,
        pointers: symbols.as_ref().ok().map(|symbols| {
            let names = symbols.pointed(&pointers.addresses());
            pointers.by_symbol(&names)
        }),
    };
    limitations.extend(symbols.err());
    explanation
}

/// The kernel's symbols; what is lost without them, where it hides their addresses.
fn symbols() -> Result<KernelSymbols, Limitation> {
    let lost = |why: &str| {
        let lost = "callers of vmalloc and pointers to the kernel have no names";
        Feature::KernelSymbols.degraded(format!("{why}: {lost}"))
    };
    match host::kallsyms() {
        Ok(kallsyms) if kallsyms.readable() => Ok(KernelSymbols::new(kallsyms, None)),
        Ok(_) => Err(lost("the kernel hides addresses (kernel.kptr_restrict)")
            .remedied("run as root (CAP_SYSLOG) and with `sysctl kernel.kptr_restrict=1`")),
        Err(error) => Err(lost(&format!("{error:#}"))),
    }
}

fn named(
    frames: &mut PageFrames,
    layout: &OwnerLayout,
    symbols: Option<&KernelSymbols>,
    found: Referrers,
) -> Vec<Referrer> {
    let key = |owner: &u64| PageKey {
        page_use: PageUse::Slab,
        owner: *owner,
        order: 0,
        node: 0,
    };
    let keys: Vec<_> = found.caches.keys().map(key).collect();
    let mut caches = bpf::owner_names(&mut frames.memory, layout, &keys);
    let callers: Vec<_> = found.callers.keys().copied().collect();
    let names = symbols.map(|symbols| symbols.functions(&callers));
    let callers = names.unwrap_or_default();
    let referrer = |kind, name: Option<String>, pages| Referrer {
        kind,
        known: name.as_deref().and_then(|it| known(kind, it)),
        name,
        pages,
    };
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

/// Whose memory a slab cache or a caller of vmalloc has, if that is known.
fn known(kind: ReferrerKind, name: &str) -> Option<String> {
    let known = KnownOwners::shipped();
    let owner = match kind {
        ReferrerKind::SlabCache => known.of_cache(name),
        ReferrerKind::Vmalloc => known.of_caller(name),
    };
    owner.map(|it| it.name.clone())
}

/// How many page frames have data of each class, of as many as are looked at, and where their pointers
/// lead.
fn contents(
    frames: &mut PageFrames,
    places: Places,
    unheld: &[PageBlock],
    mut pointers: ImagePointers,
) -> (Vec<ContentPages>, ImagePointers) {
    /// 256 MiB, which takes a second.
    const MOST: usize = 1 << 16;
    let all = unheld.iter().flat_map(|it| it.first..it.first + it.pages);
    let mut contents = BTreeMap::<_, u64>::new();
    for frame in all.take(MOST) {
        let page = frames
            .memory
            .read(places.address(frame), places.page_size as usize);
        let class = page.map_or(ContentClass::Unreadable, analysis::content);
        *contents.entry(class).or_default() += 1;
        if let Some(page) = page.filter(|_| class == ContentClass::Pointers) {
            pointers.add(page);
        }
    }
    let contents = contents.into_iter();
    let mut contents: Vec<_> = contents
        .map(|(class, pages)| ContentPages { class, pages })
        .collect();
    contents.sort_by_key(|it| Reverse(it.pages));
    (contents, pointers)
}
