//! The trace's programs and tables, and what they are told before they are loaded.

use std::ops::Range;

use anyhow::{Context as _, Result, anyhow};
use aya::{Ebpf, EbpfError, EbpfLoader};
use tracer_ebpf::{CHUNK_SLOTS, CONFIG, FIRST_SITE, SPANS, Span, TracefsConfig, maps};

use super::{Settings, Unwinding, config};
use crate::bpf::{
    cast,
    map_memory::{Machine, map_bytes},
    object::{TRACE, reason},
};

/// Bytes of the ring buffer of samples: some fifty stacks.
const SAMPLES_LEN: u32 = 1 << 20;

/// How many pieces of memory that lie far apart can have slots.
pub const MOST_SPANS: usize = SPANS;

/// Page frames of which each piece begins and ends at a multiple.
pub const SPAN_ALIGNMENT: u64 = CHUNK_SLOTS as u64;

/// Values of the slot table that the page frames of these spans need.
pub(super) fn chunks(spans: &[Range<u64>]) -> u64 {
    let chunks = spans.iter().map(|span| chunks_of(span.end - span.start));
    chunks.sum()
}

const fn chunks_of(frames: u64) -> u64 {
    frames.div_ceil(CHUNK_SLOTS as u64)
}

/// Where the slot table has each of these spans; of more than [`MOST_SPANS`], the last are left out.
pub(super) fn places(spans: &[Range<u64>]) -> [Span; SPANS] {
    let mut places = [Span::NONE; SPANS];
    let mut chunk = 0;
    for (place, span) in places.iter_mut().zip(spans) {
        let frames = span.end - span.start;
        *place = Span {
            first: span.start,
            frames,
            slot: chunk * CHUNK_SLOTS as u64,
        };
        chunk += chunks_of(frames);
    }
    places
}

/// Bytes of kernel memory that all tables take for the page frames of these spans, and so many sites.
pub fn table_bytes(spans: &[Range<u64>], max_sites: u32) -> Result<u64> {
    map_bytes(
        TRACE,
        &table_entries(spans, max_sites)?,
        Machine::running()?,
    )
}

/// How many entries the tables get whose size depends on the machine or the user.
fn table_entries(spans: &[Range<u64>], max_sites: u32) -> Result<[(&'static str, u32); 6]> {
    let chunks = u32::try_from(chunks(spans))
        .context("this machine has more page frames than a BPF array can index")?;
    Ok([
        (maps::SLOTS, chunks),
        (maps::SITES, site_entries(max_sites)),
        (maps::SITE_PAGES, site_entries(max_sites)),
        (maps::FREE_SITES, max_sites),
        // Twice as many: each CPU keeps some free elements of a hash to itself.
        (maps::SITE_IDS, max_sites.saturating_mul(2)),
        (maps::SAMPLES, SAMPLES_LEN),
    ])
}

/// Entries of the site table: `max_sites` and the reserved ones.
pub(super) const fn site_entries(max_sites: u32) -> u32 {
    FIRST_SITE + max_sites
}

/// Creates the maps and parses the programs for tracing.
pub(super) fn load(settings: &Settings, tracefs: TracefsConfig) -> Result<Ebpf> {
    let table_entries = table_entries(&settings.spans, settings.max_sites)?;
    let log_level = if settings.verbose { u8::MAX } else { 0 };
    let object = match settings.unwinding {
        Unwinding::Stack { cast: Some(id), .. } => Some(cast::with_function(TRACE, id)?),
        _ => None,
    };
    let config = config::config(settings, tracefs);
    let mut loader = EbpfLoader::new();
    loader
        .override_global(CONFIG, &config, true)
        .override_global(aya_log::LEVEL, &log_level, true);
    for (table, entries) in table_entries {
        loader.map_max_entries(table, entries);
    }
    let loaded = loader.load(object.as_deref().unwrap_or(TRACE));
    loaded.map_err(|error| refused(settings, &error))
}

fn refused(settings: &Settings, error: &EbpfError) -> anyhow::Error {
    let reason = reason(error);
    match table_bytes(&settings.spans, settings.max_sites) {
        Ok(bytes) => anyhow!(
            "cannot create the tables, {} MiB of kernel memory: {reason}",
            bytes.div_ceil(1 << 20)
        ),
        Err(error) => error.context(format!("cannot create the tables: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::Write as _,
        os::fd::{AsFd as _, AsRawFd as _},
    };

    use aya::maps::{Map, MapData};

    use super::*;

    const FRAMES: Range<u64> = 0..1 << 20;

    /// What the kernel charges for a map. Before Linux 6.4 it had one formula for maps of
    /// all types, and charged nothing for a ring buffer.
    fn charged(map: &Map) -> u64 {
        let map: &MapData = match map {
            Map::Array(map) | Map::HashMap(map) | Map::PerCpuArray(map) => map,
            Map::Queue(map) | Map::RingBuf(map) => map,
            other => panic!("no map of the trace: {other:?}"),
        };
        let path = format!("/proc/self/fdinfo/{}", map.fd().as_fd().as_raw_fd());
        let text = fs::read_to_string(path).expect("a descriptor of ours");
        let bytes = text.lines().find_map(|line| line.strip_prefix("memlock:"));
        let bytes = bytes.and_then(|bytes| bytes.trim().parse().ok());
        bytes.expect("every kernel has this line")
    }

    fn skip(reason: &str) {
        // Written directly: the print macros are captured.
        let skipped = format!("SKIPPED the_kernel_charges_what_was_estimated: {reason}");
        writeln!(std::io::stderr(), "{skipped}").expect("stderr is open");
    }

    #[test]
    fn memory_far_apart_takes_no_slots_between() {
        const CHUNK: u64 = CHUNK_SLOTS as u64;
        let spans = [CHUNK..3 * CHUNK, 1 << 34..(1 << 34) + 5];
        assert_eq!(chunks(&spans), 3);
        let [first, second, none, ..] = places(&spans);
        let place = |span: Span| (span.first, span.frames, span.slot);
        assert_eq!(place(first), (CHUNK, 2 * CHUNK, 0));
        assert_eq!(place(second), (1 << 34, 5, 2 * CHUNK));
        assert_eq!(none, Span::NONE);
    }

    /// The table of docs/large-hosts.md.
    #[test]
    fn tables_of_large_machines_have_these_sizes() {
        const GIB: u64 = 1 << 30;
        // Memory in GiB, CPUs, bytes of a page; MiB of all tables.
        for (memory, cpus, page, expected) in [
            (24, 2, 4096, 45),
            (1024, 64, 4096, 1062),
            (4096, 512, 4096, 4231),
            (4096, 512, 65_536, 367),
        ] {
            let all = 0..memory * GIB / page;
            let spans = std::slice::from_ref(&all);
            let entries = table_entries(spans, 16_384).expect("it can be");
            let machine = Machine { cpus, page };
            let bytes = map_bytes(TRACE, &entries, machine).expect("known types");
            assert_eq!(bytes >> 20, expected, "{memory} GiB, {cpus} CPUs");
        }
    }

    #[test]
    fn the_kernel_charges_what_was_estimated() {
        for max_sites in [16, 16_384, 131_072] {
            let mut loader = EbpfLoader::new();
            for (table, entries) in table_entries(&[FRAMES], max_sites).expect("a small machine") {
                loader.map_max_entries(table, entries);
            }
            let Ok(ebpf) = loader.btf(None).load(TRACE) else {
                return skip("needs root, to create maps");
            };
            let charges: Vec<_> = ebpf.maps().map(|(_, map)| charged(map)).collect();
            if charges.contains(&0) {
                return skip("this kernel does not tell (before Linux 6.4)");
            }
            let (maps, charged) = (charges.len() as u64, charges.iter().sum::<u64>());
            let estimated = table_bytes(&[FRAMES], max_sites).expect("known types");
            let place = format!("{estimated} for {charged} bytes, {max_sites} sites");
            assert!(estimated >= charged, "{place}");
            // Each map is rounded up to pages, and has what leads to them.
            assert!(
                estimated <= charged + charged / 100 + maps * 2 * 4096,
                "{place}"
            );
        }
    }
}
