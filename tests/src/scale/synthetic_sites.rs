//! Very many sites with very many pages, all the way to the outputs.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::Result;
use fastrand::Rng;
use jiff::Timestamp;
use pagetrace::{
    analysis::{self, Marking, Recorded, Survivors},
    model::{
        FoldedBy, Frame, Host, KindChoice, Report, Scope, Seconds, Selection, SiteRecord, Window,
    },
    render::{self, Extent},
};
use tracer_ebpf::{FIRST_SITE, LAST_EPOCH, Slot};

use super::{Raw, Table};

/// Functions at each depth of the stacks.
const FUNCTIONS: u64 = 1000;

/// What a terminal gets.
const SCREEN: Extent = Extent {
    top: 10,
    whole: false,
};

/// The innermost frames of each stack are these.
const ALLOCATOR: [&str; 4] = [
    "__alloc_frozen_pages_noprof",
    "alloc_pages_mpol",
    "alloc_pages_noprof",
    "___kmalloc_large_node",
];

/// Sites with 24 frames each, and pages in random places, of random ages.
pub struct SyntheticSites {
    /// The slot table.
    pub table: Table,
    records: BTreeMap<u32, SiteRecord>,
}

/// What each step from the slots to the outputs took, in seconds.
pub type Steps = BTreeMap<String, f64>;

impl SyntheticSites {
    /// So many sites and pages, on a host of 24 GiB.
    pub fn new(rng: &mut Rng, sites: u32, pages: usize) -> io::Result<Self> {
        let table = Table::of_host(24 << 30)?;
        for slot in &table.slots()[..pages] {
            let site = FIRST_SITE + rng.u32(..sites);
            let word = Slot::new(site, rng.u32(..=LAST_EPOCH));
            slot.store(word.0, Ordering::Relaxed);
        }
        let ids = FIRST_SITE..FIRST_SITE + sites;
        let records = ids.map(|id| (id, record(rng))).collect();
        Ok(Self { table, records })
    }

    /// Scans and reports, and writes all outputs to `out`. Consumes the records, as a trace does.
    pub fn report(&mut self, out: &mut dyn Write) -> Result<(Report, Steps)> {
        let mut steps = Steps::new();
        let scan = timed(&mut steps, "scan", || {
            analysis::scan(&[(0, self.table.slots())], &Raw, Marking::HasEnded)
        });
        let survivors = timed(&mut steps, "settle", || scan.settle(Some(0)).survivors);
        let recorded = timed(&mut steps, "records", || self.recorded(survivors))?;
        let report = timed(&mut steps, "report", || {
            analysis::report(host(), window(), recorded, numbers)
        });
        let summary = timed(&mut steps, "summary", || {
            analysis::summary(&report, &everything())
        });
        timed(&mut steps, "table", || {
            render::table(&report, &summary, SCREEN, &mut BufWriter::new(&mut *out))
        })?;
        timed(&mut steps, "folded", || {
            render::folded(
                &report,
                &summary,
                FoldedBy::Stack,
                &mut BufWriter::new(&mut *out),
            )
        })?;
        timed(&mut steps, "json", || {
            render::json(&report, &summary, &mut BufWriter::new(out))
        })?;
        Ok((report, steps))
    }

    fn recorded(&mut self, survivors: Survivors) -> Result<Recorded> {
        let records = std::mem::take(&mut self.records);
        let ids = records.keys().copied();
        let record = |id| Ok(records[&id].clone());
        Ok(Recorded {
            records: analysis::records(&survivors, ids, record)?,
            survivors,
            ..Recorded::default()
        })
    }
}

fn timed<T>(steps: &mut Steps, step: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    steps.insert(step.to_owned(), start.elapsed().as_secs_f64());
    done
}

fn record(rng: &mut Rng) -> SiteRecord {
    let allocator = 0..ALLOCATOR.len() as u64;
    let callers = (1..=20).map(|depth| depth * FUNCTIONS + rng.u64(..FUNCTIONS));
    SiteRecord {
        frames: allocator.chain(callers).collect(),
        order: 0,
        gfp: None,
        first_seen: Some((rng.u32(..1 << 22), "worker".to_owned())),
        allocated_pages: 1000,
        taker: None,
        held_by: Vec::new(),
        is_mismatched: false,
    }
}

/// Names addresses after themselves.
fn numbers(addresses: &[u64]) -> Vec<Vec<Frame>> {
    addresses.iter().map(|&it| vec![frame(it)]).collect()
}

fn frame(address: u64) -> Frame {
    let allocator = ALLOCATOR.get(address as usize).copied();
    let symbol = allocator.map_or_else(|| format!("some_function_{address}"), str::to_owned);
    Frame {
        symbol: Some(symbol),
        offset: Some(0x10),
        module: address.is_multiple_of(4).then(|| "driver".to_owned()),
        address: 0xffff_ffff_8100_0000 + address,
        ..Frame::default()
    }
}

fn host() -> Host {
    Host {
        kernel: "6.18".to_owned(),
        arch: "x86_64".to_owned(),
        cpus: 2,
        page_size: 4096,
        mem_total_bytes: 24 << 30,
    }
}

/// An hour, with all epochs that there can be.
fn window() -> Window {
    let hour = Duration::from_secs(3600);
    let start = |epoch| Seconds::from(hour * epoch / (LAST_EPOCH + 1));
    Window {
        started: Timestamp::UNIX_EPOCH,
        record_seconds: hour.into(),
        drain_seconds: Seconds::default(),
        epochs: (0..=LAST_EPOCH).map(start).collect(),
        recorded_before_seconds: None,
        scope: Scope::Kernel,
        filters: vec![],
        takers: None,
    }
}

fn everything() -> Selection {
    Selection {
        kinds: KindChoice::kinds(&[KindChoice::All]),
        ..Selection::default()
    }
}
