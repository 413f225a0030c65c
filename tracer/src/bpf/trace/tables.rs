//! The slot table and the site table, mapped into this process.

use std::{
    collections::BTreeSet,
    mem::offset_of,
    ops::Range,
    ptr,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    maps::{HashMap, Map, MapData, PerCpuArray, PerCpuValues},
};
use memmap2::MmapRaw;
use tracer_ebpf::{
    BULK, COMM_LEN, Chunk, FIRST_SITE, InterruptCode, MAX_FRAMES, MAX_ORDER, ORDERS, SPANS,
    STACK_LOST, Site, SiteId, Slot, Span, maps, unwind::RuleTable,
};

use super::load::{chunks, places, site_entries};
use crate::{
    bpf::mapped,
    model::{SiteRecord, Takers},
};

/// The slot of every page frame; the kernel may be writing to it.
pub struct SlotTable {
    memory: MmapRaw,
    spans: [Span; SPANS],
}

impl SlotTable {
    pub(super) fn map(ebpf: &Ebpf, spans: &[Range<u64>]) -> Result<Self> {
        let len = chunks(spans) * size_of::<Chunk>() as u64;
        Ok(Self {
            memory: mapped::writable(ebpf, maps::SLOTS, len)?,
            spans: places(spans),
        })
    }

    /// The slots of page frames that follow each other, with the first of these, in ascending order.
    pub fn parts(&self) -> impl Iterator<Item = (u64, &[AtomicU32])> {
        let spans = self.spans.iter().filter(|span| span.frames > 0);
        spans.map(|span| (span.first, self.part(span.slot, span.frames)))
    }

    /// The slots of these page frames; fewer or none where there are no such.
    pub fn of_frames(&self, frames: Range<u64>) -> &[AtomicU32] {
        let mut spans = self.spans.iter();
        let inside = spans.find_map(|span| {
            let at = frames.start.checked_sub(span.first)?;
            let left = span.frames.checked_sub(at)?;
            let len = frames.end.saturating_sub(frames.start).min(left);
            Some(self.part(span.slot + at, len))
        });
        inside.unwrap_or_default()
    }

    fn part(&self, first: u64, len: u64) -> &[AtomicU32] {
        let range = first as usize..(first + len) as usize;
        self.all().get(range).unwrap_or_default()
    }

    /// All slots, whichever page frames they are of.
    pub fn all(&self) -> &[AtomicU32] {
        let len = self.memory.len() / size_of::<AtomicU32>();
        // SAFETY: the mapping is page-aligned, `len` words long and lives as
        // long as `self`; every change from outside is that of a whole word.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast(), len) }
    }
}

/// Gives the pages of each epoch to the epoch that `into` has at its place: of two moments that are
/// long ago, which one it was matters no more. Programs may be marking and clearing slots meanwhile, with
/// epochs that stay what they are: where one was faster, its word stands.
pub fn merge_epochs(slots: &[AtomicU32], into: &[u32]) {
    for slot in slots {
        let word = slot.load(Ordering::Relaxed);
        let (site, epoch) = (Slot(word).site(), Slot(word).epoch());
        let merged = into.get(epoch as usize).copied().unwrap_or(epoch);
        if word != 0 && merged != epoch {
            let merged = Slot::new(site, merged).0;
            let _ = slot.compare_exchange(word, merged, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

/// The site table.
pub struct SiteTable {
    memory: MmapRaw,
    pages: PerCpuArray<MapData, u64>,
    ids: HashMap<MapData, u64, u32>,
    interrupts: InterruptCode,
    takers: Option<Takers>,
    /// Sites whose records do not match their keys; once the table is closed.
    mismatched: BTreeSet<u32>,
    /// Nested allocations by order; likewise.
    nested: NestedAllocations,
}

/// Allocations whose stack was not unwound, as they were in the middle of others: by order.
type NestedAllocations = [u64; ORDERS];

impl SiteTable {
    pub(super) fn map(
        ebpf: &mut Ebpf,
        max_sites: u32,
        interrupts: InterruptCode,
        takers: Option<Takers>,
    ) -> Result<Self> {
        let len = u64::from(site_entries(max_sites)) * size_of::<Site>() as u64;
        let memory = mapped::read_only(ebpf, maps::SITES, len)?;
        Ok(Self {
            memory,
            pages: PerCpuArray::try_from(take(ebpf, maps::SITE_PAGES)?)?,
            ids: HashMap::try_from(take(ebpf, maps::SITE_IDS)?)?,
            interrupts,
            takers,
            mismatched: BTreeSet::new(),
            nested: NestedAllocations::default(),
        })
    }

    /// Takes in what the programs, which have ended, counted of allocations without a site;
    /// gives how many sites have a record that does not match the key they are found by.
    pub(super) fn close(&mut self, nested: NestedAllocations) -> Result<u64> {
        self.nested = nested;
        self.mismatched = self.mismatched_ids()?;
        Ok(self.mismatched.len() as u64)
    }

    /// The ids that a key leads to.
    pub(super) fn in_use(&self) -> Result<BTreeSet<u32>> {
        let ids = self.ids.iter().map(|entry| entry.map(|(_, id)| id));
        ids.collect::<Result<_, _>>()
            .context("cannot read the keys of the call sites")
    }

    /// Takes the keys of these sites out, so that no program finds them again.
    pub(super) fn forget(&mut self, ids: &BTreeSet<u32>) -> Result<()> {
        let entries: Result<Vec<_>, _> = self.ids.iter().collect();
        let entries = entries.context("cannot read the keys of the call sites")?;
        for (key, _) in entries.iter().filter(|(_, id)| ids.contains(id)) {
            self.ids
                .remove(key)
                .context("cannot take out the key of a call site")?;
        }
        Ok(())
    }

    /// Has a site begin anew, with no page ever taken.
    pub(super) fn reset(&mut self, id: u32) -> Result<()> {
        let zeros = vec![0; aya::util::nr_cpus().map_err(|(_, error)| error)?];
        self.pages
            .set(id, PerCpuValues::try_from(zeros)?, 0)
            .context("cannot reset the page count of a site")
    }

    /// Nothing is taken out of the map meanwhile, so one pass sees every key.
    fn mismatched_ids(&self) -> Result<BTreeSet<u32>> {
        let mut ids = BTreeSet::new();
        for entry in self.ids.iter() {
            let (key, id) = entry.context("cannot read the keys of the call sites")?;
            let site = self.wire(id);
            if site.is_none_or(|site| self.key(&site) != key) {
                ids.insert(id);
            }
        }
        Ok(ids)
    }

    /// The key that a site must be found by.
    fn key(&self, site: &Site) -> u64 {
        let key = site.key(&self.interrupts);
        let key = self.takers.map_or(key, |_| key.of_taker(site.taker));
        key.key
    }

    /// Ids of all sites that have a stack.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        // Ids are handed out in ascending order, so the first unused one ends them.
        (FIRST_SITE..).take_while(|&id| self.wire(id).is_some_and(|site| site.depth > 0))
    }

    /// The order of the allocations of a site.
    pub fn order(&self, id: u32) -> u32 {
        match SiteId::of(id) {
            SiteId::SiteTableFull(order) | SiteId::StackLost(order) => order,
            SiteId::Stack(id) => self.at(id).map_or(0, |site| {
                let order = site
                    .cast::<u32>()
                    .wrapping_byte_add(offset_of!(Site, order));
                // SAFETY: the record is within the mapping, and its order is a plain word.
                tracer_ebpf::order(unsafe { ptr::read_volatile(order) })
            }),
        }
    }

    /// The record of a site; one without frames for an id that has none.
    pub fn record(&self, id: u32) -> Result<SiteRecord> {
        let per_cpu = self
            .pages
            .get(&id, 0)
            .context("cannot read the page count of a site")?;
        let record = match self.wire(id) {
            Some(site) if self.mismatched.contains(&id) => unbelievable(&site),
            Some(site) if id >= FIRST_SITE => decode(&site),
            _ => SiteRecord::default(),
        };
        let taker = record.taker.filter(|_| self.takers.is_some());
        Ok(SiteRecord {
            taker,
            allocated_pages: per_cpu.iter().sum::<u64>() + self.nested_pages(id),
            ..record
        })
    }

    /// Pages of nested allocations that a reserved site stands for.
    fn nested_pages(&self, id: u32) -> u64 {
        match id {
            STACK_LOST..FIRST_SITE if id != STACK_LOST + BULK => {
                let order = id - STACK_LOST;
                self.nested[order as usize] << order
            }
            _ => 0,
        }
    }

    fn wire(&self, id: u32) -> Option<Site> {
        // SAFETY: the record is within the mapping, and a `Site` is plain words:
        // one that is being written is wrong, not invalid.
        self.at(id).map(|site| unsafe { ptr::read_volatile(site) })
    }

    /// Where the record of a site is.
    fn at(&self, id: u32) -> Option<*const Site> {
        let index = id as usize;
        let is_there = index < self.memory.len() / size_of::<Site>();
        is_there.then(|| self.memory.as_ptr().cast::<Site>().wrapping_add(index))
    }
}

fn decode(site: &Site) -> SiteRecord {
    let depth = MAX_FRAMES.min(site.depth.into());
    SiteRecord {
        frames: site.frames[..depth].to_vec(),
        order: tracer_ebpf::order(site.order),
        gfp: Some(site.gfp),
        first_seen: Some((site.pid, task_name(&site.comm))),
        taker: Some(site.taker),
        ..SiteRecord::default()
    }
}

/// What is left of a record that does not match its key.
fn unbelievable(site: &Site) -> SiteRecord {
    SiteRecord {
        order: tracer_ebpf::order(site.order).min(MAX_ORDER),
        is_mismatched: true,
        ..SiteRecord::default()
    }
}

fn task_name(comm: &[u8; COMM_LEN]) -> String {
    let name = comm.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// The rule table, to be written.
pub(super) fn map_rules(ebpf: &Ebpf) -> Result<MmapRaw> {
    mapped::writable(ebpf, maps::RULES, size_of::<RuleTable>() as u64)
}

/// A map of the object, to be owned.
pub(super) fn take(ebpf: &mut Ebpf, name: &str) -> Result<Map> {
    ebpf.take_map(name)
        .with_context(|| format!("the BPF object has no map {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(depth: u16, comm: &[u8]) -> Site {
        let mut site = Site {
            frames: [7; MAX_FRAMES],
            taker: 0,
            depth,
            skipped: 0,
            order: 3,
            gfp: 0,
            pid: 42,
            comm: [0; COMM_LEN],
        };
        site.comm[..comm.len()].copy_from_slice(comm);
        site
    }

    #[test]
    fn a_record_keeps_its_frames_and_its_task() {
        let record = decode(&site(2, b"nginx"));
        assert_eq!(record.frames, [7, 7]);
        assert_eq!(record.first_seen, Some((42, "nginx".to_owned())));
    }

    #[test]
    fn a_record_that_is_not_believed_names_nobody() {
        let record = unbelievable(&Site {
            order: 77,
            ..site(2, b"nginx")
        });
        assert!(record.frames.is_empty() && record.first_seen.is_none());
        assert_eq!(record.order, MAX_ORDER);
    }

    #[test]
    fn a_racing_kernel_cannot_make_it_read_past_the_end() {
        assert_eq!(
            decode(&site(u16::MAX, &[b'x'; COMM_LEN])).frames.len(),
            MAX_FRAMES
        );
    }
}
