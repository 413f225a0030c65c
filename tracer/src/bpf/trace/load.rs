//! The trace's programs and tables, and what they are told before they are loaded.

use anyhow::{Context as _, Result, anyhow};
use aya::{Ebpf, EbpfLoader};
use tracer_ebpf::{CHUNK_SLOTS, CONFIG, Chunk, FIRST_SITE, Site, TracefsConfig, maps};

use super::{Settings, Unwinding, config};
use crate::bpf::{
    cast,
    object::{TRACE, reason},
};

/// Bytes of the ring buffer of samples: some fifty stacks.
const SAMPLES_LEN: u32 = 1 << 20;

/// Values of the slot table that `frames` page frames need.
pub(super) const fn chunks(frames: u64) -> u64 {
    frames.div_ceil(CHUNK_SLOTS as u64)
}

/// Bytes of kernel memory that the slot table and the site table take.
pub fn table_bytes(frames: u64, max_sites: u32) -> u64 {
    let slots = chunks(frames) * size_of::<Chunk>() as u64;
    slots + u64::from(site_entries(max_sites)) * size_of::<Site>() as u64
}

/// Entries of the site table: `max_sites` and the reserved ones.
pub(super) const fn site_entries(max_sites: u32) -> u32 {
    FIRST_SITE + max_sites
}

/// Creates the maps and parses the programs for tracing.
pub(super) fn load(settings: &Settings, tracefs: TracefsConfig) -> Result<Ebpf> {
    let chunks = u32::try_from(chunks(settings.frames))
        .context("this machine has more page frames than a BPF array can index")?;
    let log_level = if settings.verbose { u8::MAX } else { 0 };
    let object = match settings.unwinding {
        Unwinding::Rules { cast: Some(id), .. } => Some(cast::with_function(TRACE, id)?),
        _ => None,
    };
    let config = config::config(settings, tracefs);
    let mut loader = EbpfLoader::new();
    loader
        .override_global(CONFIG, &config, true)
        .override_global(aya_log::LEVEL, &log_level, true)
        .map_max_entries(maps::SLOTS, chunks)
        .map_max_entries(maps::SITES, site_entries(settings.max_sites))
        .map_max_entries(maps::SITE_PAGES, site_entries(settings.max_sites))
        .map_max_entries(maps::FREE_SITES, settings.max_sites)
        // Twice as many: each CPU keeps some free elements of a hash to itself.
        .map_max_entries(maps::SITE_IDS, settings.max_sites.saturating_mul(2));
    if settings.unwinding != Unwinding::Kernel {
        loader.map_max_entries(maps::SAMPLES, SAMPLES_LEN);
    }
    loader
        .load(object.as_deref().unwrap_or(TRACE))
        .map_err(|error| {
            let mib = table_bytes(settings.frames, settings.max_sites).div_ceil(1 << 20);
            anyhow!(
                "cannot create the tables, {mib} MiB of kernel memory: {}",
                reason(&error)
            )
        })
}
