//! The site table: from the key of a stack to a site id.

use aya_ebpf::{
    EbpfContext,
    bindings::{BPF_F_MMAPABLE, BPF_NOEXIST},
    helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid},
    macros::map,
    maps::{Array, HashMap, PerCpuArray, Queue},
};
use aya_log_ebpf::warn;
use tracer_ebpf::{AllocationCounters, MAX_SITES, RECENT_SITES, SITE_TABLE_FULL, Site};

use crate::word::Word;

// Placeholders: user space sets how many sites there are when it loads the object.

#[map]
static SITES: Array<Site> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// Preallocated (the default), so that a new site never allocates in the allocator.
#[map]
static SITE_IDS: HashMap<u64, u32> = HashMap::with_max_entries(1, 0);

/// What each CPU knows of `SITE_IDS`.
#[map]
static KNOWN_SITES: PerCpuArray<KnownSites> = PerCpuArray::with_max_entries(1, 0);

/// A queue hands out ids without an atomic counter, which would need Linux 5.12.
#[map]
static FREE_SITES: Queue<u32> = Queue::with_max_entries(1, 0);

#[map]
static SITE_PAGES: PerCpuArray<Word> = PerCpuArray::with_max_entries(1, 0);

/// The counters of the run that asks for a site.
pub(crate) type Counts = AllocationCounters<Word>;

/// The id of the site with this key, whose stack is in `scratch`. The message tells of the
/// first loss on each CPU only: this is the allocator's path.
#[inline(always)]
pub(crate) fn with_key<C: EbpfContext>(
    ctx: &C,
    key: u64,
    scratch: &mut Site,
    counts: &Counts,
) -> u32 {
    if let Some(id) = lookup(key).or_else(|| intern(key, scratch)) {
        return id;
    }
    if counts.site_table_full.get() == 0 {
        warn!(ctx, "the site table is full");
    }
    counts.site_table_full.add(1);
    SITE_TABLE_FULL + scratch.order
}

/// Adds 2^order pages to what the site has ever taken; not for a run in the middle of another.
#[inline(always)]
pub(crate) fn count_pages(site: u32, order: u32) {
    if let Some(pages) = SITE_PAGES.get(site) {
        pages.add(1 << order);
    }
}

/// What a CPU knows of the site table.
#[repr(C)]
struct KnownSites {
    /// Not 0 once this CPU found no free id: from then on a key that is not in the table
    /// never will be.
    is_full: Word,
    /// Sites that were found lately, by the lowest bits of their keys: each word is the
    /// rest of the key with the id of the site below it. Keys that found the table full
    /// have the reserved id.
    recent: [Word; RECENT_SITES],
}

const _: () = assert!(size_of::<KnownSites>() == size_of::<tracer_ebpf::KnownSites>());

/// Bits of a site id.
const ID_BITS: u32 = MAX_SITES.ilog2();

impl KnownSites {
    #[inline(always)]
    fn word(&self, key: u64) -> &Word {
        &self.recent[key as usize % RECENT_SITES]
    }

    #[inline(always)]
    fn remember(&self, key: u64, id: u32) {
        let word = key >> ID_BITS << ID_BITS | u64::from(id);
        self.word(key).set(word);
    }
}

/// The same as [`lookup`], without its search in most cases; once the table is full, the
/// reserved id of the order for all that is not in it.
#[inline(always)]
pub(crate) fn lookup_recent(key: u64, order: u32) -> Option<u32> {
    let known = KNOWN_SITES.get(0)?;
    let recent = known.word(key).get();
    if (recent ^ key) >> ID_BITS == 0 {
        return Some(recent as u32 % MAX_SITES);
    }
    let id = match lookup(key) {
        Some(id) => id,
        None if known.is_full.get() != 0 => SITE_TABLE_FULL + order,
        None => return None,
    };
    known.remember(key, id);
    Some(id)
}

/// Corrects what this CPU knows of a key: it can have found the table full while another
/// CPU was about to give the key the last id.
#[inline(always)]
pub(crate) fn correct_recent(key: u64, id: u32) {
    if let Some(known) = KNOWN_SITES.get(0) {
        known.remember(key, id);
    }
}

/// The id of the site with this key.
#[inline(always)]
pub(crate) fn lookup(key: u64) -> Option<u32> {
    // SAFETY: an id is one word, and entries are never changed. A service takes out those of sites
    // without a page for long, and waits for every program that may have found one.
    unsafe { SITE_IDS.get(key) }.copied()
}

/// Gives the stack in `scratch` a site of its own.
#[inline(always)]
fn intern(key: u64, scratch: &mut Site) -> Option<u32> {
    let known = KNOWN_SITES.get(0)?;
    if known.is_full.get() != 0 {
        return None;
    }
    let Some(id) = FREE_SITES.pop().ok()? else {
        known.is_full.set(1);
        return None;
    };
    scratch.pid = (bpf_get_current_pid_tgid() >> 32) as u32;
    scratch.comm = bpf_get_current_comm().unwrap_or_default();
    // The record is whole before its id can be found.
    SITES.set(id, scratch, 0).ok()?;
    if SITE_IDS.insert(key, id, u64::from(BPF_NOEXIST)).is_ok() {
        return Some(id);
    }
    // Another CPU interned the same stack in the meantime: use its id and give
    // this one back.
    let _ = FREE_SITES.push(id, 0);
    lookup(key)
}
