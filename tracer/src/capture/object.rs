//! The embedded BPF object, and what it is told before it is loaded.

use std::{error::Error, io};

use anyhow::{Context as _, Result, anyhow};
use aya::{Ebpf, EbpfError, EbpfLoader, include_bytes_aligned};
use tracer_ebpf::{CHUNK_SLOTS, Chunk, FIRST_SITE, NO_MIGRATETYPE, Site, constants, maps};

use super::{page_array::PageArray, tracefs::Offsets};

static OBJECT: &[u8] =
    include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/pagetrace.bpf.o"));

/// How many page pointers the calibration may collect.
const PROBED_PAGES: u32 = 4096;

/// What the programs need to know of the machine and of the user's wishes.
pub(super) struct Constants {
    pub(super) page_array: PageArray,
    pub(super) frames: u64,
    pub(super) skipped_migratetype: Option<u32>,
    pub(super) max_sites: u32,
    pub(super) offsets: Offsets,
    pub(super) verbose: bool,
}

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
pub(super) fn load(constants: &Constants) -> Result<Ebpf> {
    let chunks = u32::try_from(chunks(constants.frames))
        .context("this machine has more page frames than a BPF array can index")?;
    let skipped = constants.skipped_migratetype.unwrap_or(NO_MIGRATETYPE);
    let log_level = if constants.verbose { u8::MAX } else { 0 };
    let mut loader = EbpfLoader::new();
    loader
        .override_global(constants::PAGE_ARRAY, &constants.page_array.base, true)
        .override_global(
            constants::PAGE_STRUCT_SIZE,
            &constants.page_array.page_struct_size,
            true,
        )
        .override_global(constants::FRAMES, &constants.frames, true)
        .override_global(constants::SKIPPED_MIGRATETYPE, &skipped, true)
        .override_global(aya_log::LEVEL, &log_level, true)
        .map_max_entries(maps::SLOTS, chunks)
        .map_max_entries(maps::SITES, site_entries(constants.max_sites))
        .map_max_entries(maps::SITE_PAGES, site_entries(constants.max_sites))
        .map_max_entries(maps::FREE_SITES, constants.max_sites)
        // Twice as many: each CPU keeps some free elements of a hash to itself.
        .map_max_entries(maps::SITE_IDS, constants.max_sites.saturating_mul(2));
    for (name, offset) in constants.offsets.named() {
        loader.override_global(name, offset, true);
    }
    loader.load(OBJECT).map_err(|error| {
        let mib = table_bytes(constants.frames, constants.max_sites).div_ceil(1 << 20);
        anyhow!(
            "cannot create the tables, {mib} MiB of kernel memory: {}",
            reason(&error)
        )
    })
}

/// Creates the maps, as small as they can be, and parses the programs for the
/// calibration and for `pagetrace check`.
pub(super) fn load_small() -> Result<Ebpf> {
    EbpfLoader::new()
        .map_max_entries(maps::PROBED_PAGES, PROBED_PAGES)
        .load(OBJECT)
        .map_err(|error| anyhow!("cannot use BPF: {}", reason(&error)))
}

/// What the errors that a kernel without BPF, a locked-down one and a full one
/// give really mean.
fn reason(error: &EbpfError) -> String {
    let chain = std::iter::successors(Some(error as &dyn Error), |&error| error.source());
    let code = chain
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .find_map(io::Error::raw_os_error);
    match code {
        Some(libc::ENOSYS) => "this kernel was built without CONFIG_BPF_SYSCALL".to_owned(),
        Some(libc::EPERM) => "the kernel forbids it; in a container, run pagetrace on the host, \
                              and see /sys/kernel/security/lockdown"
            .to_owned(),
        Some(libc::ENOMEM) => "there is not that much left".to_owned(),
        _ => error.to_string(),
    }
}
