//! The embedded BPF object, and what it is told before it is loaded.

use std::{error::Error, io};

use anyhow::{Context as _, Result, anyhow};
use aya::{Ebpf, EbpfError, EbpfLoader, include_bytes_aligned};
use tracer_ebpf::{CHUNK_SLOTS, Chunk, FIRST_SITE, Site, constants, maps};

use super::{PageArray, Settings, Unwinding, cast, globals::Globals, tracefs::Offsets};

pub(super) static OBJECT: &[u8] =
    include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/pagetrace.bpf.o"));

/// Bytes of the ring buffer of samples: some fifty stacks.
const SAMPLES_LEN: u32 = 1 << 20;

/// How many page pointers the calibration may collect.
const PROBED_PAGES: u32 = 4096;

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
pub(super) fn load(settings: &Settings, offsets: &Offsets) -> Result<Ebpf> {
    let chunks = u32::try_from(chunks(settings.frames))
        .context("this machine has more page frames than a BPF array can index")?;
    let log_level = if settings.verbose { u8::MAX } else { 0 };
    let object = match settings.unwinding {
        Unwinding::Templates { cast: Some(id), .. } => Some(cast::with_function(OBJECT, id)?),
        _ => None,
    };
    let globals = Globals::new(settings, offsets);
    let mut loader = EbpfLoader::new();
    loader
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
    globals.override_in(&mut loader);
    loader
        .load(object.as_deref().unwrap_or(OBJECT))
        .map_err(|error| {
            let mib = table_bytes(settings.frames, settings.max_sites).div_ceil(1 << 20);
            anyhow!(
                "cannot create the tables, {mib} MiB of kernel memory: {}",
                reason(&error)
            )
        })
}

/// Creates the maps, as small as they can be, and parses the programs for a
/// first look.
pub(super) fn load_small() -> Result<Ebpf> {
    small(EbpfLoader::new().map_max_entries(maps::PROBED_PAGES, PROBED_PAGES))
}

/// The same for programs that look at page structs, whose reference count lies
/// at the offset `references`.
pub(super) fn load_for_pages(array: PageArray, references: u64) -> Result<Ebpf> {
    small(
        EbpfLoader::new()
            .override_global(constants::PAGE_ARRAY, &array.base, true)
            .override_global(constants::PAGE_STRUCT_SIZE, &array.layout.size, true)
            .override_global(constants::REFERENCES_OFFSET, &references, true),
    )
}

fn small(loader: &mut EbpfLoader<'_>) -> Result<Ebpf> {
    // None of the programs that need BTF is loaded.
    let loaded = loader.btf(None).load(OBJECT);
    loaded.map_err(|error| anyhow!("cannot use BPF: {}", reason(&error)))
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
