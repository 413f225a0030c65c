//! The object, and what it is told before it is loaded.

use anyhow::{Context as _, Result, ensure};
use aya::{
    Ebpf, EbpfLoader, include_bytes_aligned,
    maps::Queue,
    programs::{RawTracePointRunOptions, TestRun as _},
};
use memmap2::MmapMut;
use tracer_ebpf::{FIRST_SITE, InterruptCode, NO_MIGRATETYPE, NOBODY, constants, maps, programs};

use super::{Filters, Settings, programs::program};

static OBJECT: &[u8] = include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tracer/bpf/pagetrace.bpf.o"
));

/// Which argument of the bulk allocator the list is, as before Linux 6.14.
pub(super) const BULK_LIST: u32 = 4;
/// Which the array is.
pub(super) const BULK_ARRAY: u32 = 5;
/// Behind which the result lies.
pub(super) const BULK_RESULT: u32 = 6;
/// Where the links of a list lie in a page struct.
pub(super) const PAGE_LIST: u64 = 8;

/// Loads all programs that the model knows, for page structs that begin at `page_array`.
pub(super) fn load(settings: &Settings, page_array: u64) -> Result<Ebpf> {
    let mut ebpf = create(settings, page_array)?;
    fill_free_sites(&mut ebpf, settings)?;
    for name in [
        programs::PAGE_ALLOC,
        programs::PAGE_FREE,
        programs::BULK_ENTRY,
        programs::BULK_EXIT,
    ] {
        program(&mut ebpf, name)?.load()?;
    }
    Ok(ebpf)
}

fn create(settings: &Settings, page_array: u64) -> Result<Ebpf> {
    let skipped = settings.skipped_migratetype.unwrap_or(NO_MIGRATETYPE);
    let silent = 0_u8;
    let Filters { orders, gfp, own } = &settings.filters;
    let own = if *own { own_process()? } else { NOBODY };
    let [least, greatest] = constants::RECORDED_ORDERS;
    let [list, array, result] = constants::BULK_ARGUMENTS;
    let InterruptCode { irq, softirq } = &settings.interrupts;
    let (check_every, by_rules) = (
        settings.check_every.unwrap_or(1),
        u32::from(settings.check_every.is_some()),
    );
    let mut loader = EbpfLoader::new();
    loader
        .override_global(least, &orders.0, true)
        .override_global(greatest, &orders.1, true)
        .override_global(constants::GFP_REQUIRED, &gfp.0, true)
        .override_global(constants::GFP_EXCLUDED, &gfp.1, true)
        .override_global(constants::OWN_PROCESS, &own, true);
    loader
        .override_global(list, &BULK_LIST, true)
        .override_global(array, &BULK_ARRAY, true)
        .override_global(result, &BULK_RESULT, true)
        .override_global(constants::PAGE_LIST_OFFSET, &PAGE_LIST, true);
    loader
        .override_global(constants::USE_TEMPLATES, &by_rules, true)
        .override_global(constants::CHECK_EVERY, &check_every, true)
        .override_global(constants::IRQ_ENTRY[0], &irq.start, true)
        .override_global(constants::IRQ_ENTRY[1], &irq.len, true)
        .override_global(constants::SOFTIRQ_ENTRY[0], &softirq.start, true)
        .override_global(constants::SOFTIRQ_ENTRY[1], &softirq.len, true);
    loader
        .override_global(constants::PAGE_ARRAY, &page_array, true)
        .override_global(
            constants::PAGE_STRUCT_SIZE,
            &settings.page_struct_size,
            true,
        )
        .override_global(constants::FRAMES, &settings.frames, true)
        .override_global(constants::SKIPPED_MIGRATETYPE, &skipped, true)
        .override_global(aya_log::LEVEL, &silent, true)
        .map_max_entries(maps::SLOTS, settings.chunks())
        .map_max_entries(maps::SITES, settings.site_entries())
        .map_max_entries(maps::SITE_PAGES, settings.site_entries())
        .map_max_entries(maps::FREE_SITES, settings.max_sites)
        // Twice as many: each CPU keeps some free elements of a hash to itself.
        .map_max_entries(maps::SITE_IDS, settings.max_sites * 2);
    Ok(loader.load(&raw_tracepoints_only()?)?)
}

/// The id that the programs see of this process.
fn own_process() -> Result<u32> {
    let mut ebpf = EbpfLoader::new().load(OBJECT)?;
    let program = program(&mut ebpf, programs::OWN_PROCESS)?;
    program.load()?;
    let result = program.test_run(RawTracePointRunOptions::new());
    Ok(result?.return_value)
}

/// The object with the programs on a function made raw tracepoints, which can be run by
/// hand, and on kernels that refuse the others. Both find words in their context; of
/// which kind a program is, the name of its section tells.
fn raw_tracepoints_only() -> Result<MmapMut> {
    // An object must be aligned as the static one is.
    let mut object = MmapMut::map_anon(OBJECT.len())?;
    object.copy_from_slice(OBJECT);
    rename_all(&mut object, b"fentry/", b"raw_tp/")?;
    rename_all(&mut object, b"fexit/a", b"raw_tp/")?;
    Ok(object)
}

/// A name is there more than once: the type information has sections, too.
fn rename_all<const N: usize>(object: &mut [u8], from: &[u8; N], to: &[u8; N]) -> Result<()> {
    let places = object.windows(N).enumerate();
    let places = places.filter_map(|(at, it)| (it == from).then_some(at));
    let places: Vec<_> = places.collect();
    ensure!(
        !places.is_empty(),
        "no section is called {}",
        from.escape_ascii()
    );
    for at in places {
        object[at..at + N].copy_from_slice(to);
    }
    Ok(())
}

fn fill_free_sites(ebpf: &mut Ebpf, settings: &Settings) -> Result<()> {
    let map = ebpf
        .map_mut(maps::FREE_SITES)
        .context("no queue of sites")?;
    let mut free = Queue::try_from(map)?;
    for id in FIRST_SITE..settings.site_entries() {
        free.push(id, 0)?;
    }
    Ok(())
}
