//! The object, and what it is told before it is loaded.

use anyhow::{Context as _, Result, ensure};
use aya::{
    Ebpf, EbpfLoader, Pod, include_bytes_aligned,
    maps::Queue,
    programs::{RawTracePointRunOptions, TestRun as _},
};
use memmap2::MmapMut;
use pagetrace::bpf::with_function;
use tracer_ebpf::{
    BulkConfig, CONFIG, FIRST_SITE, FilterConfig, NO_MIGRATETYPE, NOBODY, PageConfig, TraceConfig,
    UnwindConfig, UserMemoryConfig, maps, programs, unwinding,
};

use super::{Filters, Settings, programs::program};

static TRACE: &[u8] = include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tracer/bpf/trace.bpf.o"
));

static QUERY: &[u8] = include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tracer/bpf/query.bpf.o"
));

/// Which argument of the bulk allocator the list is, as before Linux 6.14.
pub(super) const BULK_LIST: u32 = 4;
/// Which the array is.
pub(super) const BULK_ARRAY: u32 = 5;
/// Behind which the result lies.
pub(super) const BULK_RESULT: u32 = 6;
/// Where the links of a list lie in a page struct.
pub(super) const PAGE_LIST: u32 = 8;

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

#[derive(Clone, Copy)]
#[repr(transparent)]
struct ConfigWire(TraceConfig);

// SAFETY: `repr(C)` words without padding; any bit pattern is a value.
unsafe impl Pod for ConfigWire {}

fn create(settings: &Settings, page_array: u64) -> Result<Ebpf> {
    let config = ConfigWire(config(settings, page_array)?);
    let silent = 0_u8;
    let mut loader = EbpfLoader::new();
    loader
        .override_global(CONFIG, &config, true)
        .override_global(aya_log::LEVEL, &silent, true)
        .map_max_entries(maps::SLOTS, settings.chunks())
        .map_max_entries(maps::SITES, settings.site_entries())
        .map_max_entries(maps::SITE_PAGES, settings.site_entries())
        .map_max_entries(maps::FREE_SITES, settings.max_sites)
        // Twice as many: each CPU keeps some free elements of a hash to itself.
        .map_max_entries(maps::SITE_IDS, settings.max_sites * 2);
    let object = with_function(&raw_tracepoints_only()?, settings.stack_reader.unwrap_or(0))?;
    Ok(loader.load(&object)?)
}

fn config(settings: &Settings, page_array: u64) -> Result<TraceConfig> {
    Ok(TraceConfig {
        pages: PageConfig {
            base: page_array,
            size: settings.page_struct_size,
        },
        spans: settings.spans,
        filters: filters(settings),
        interrupts: settings.interrupts,
        unwind: UnwindConfig {
            by: match settings.check_every {
                Some(_) => unwinding::RULES,
                None => unwinding::KERNEL,
            },
            registers: 0,
            check_every: settings.check_every.unwrap_or(1),
            in_place: settings.stack_reader.is_some().into(),
        },
        bulk: BulkConfig {
            list: BULK_LIST,
            array: BULK_ARRAY,
            result: BULK_RESULT,
        },
        page_list: PAGE_LIST,
        own_process: if settings.filters.own {
            own_process()?
        } else {
            NOBODY
        },
        ..TraceConfig::DEFAULT
    })
}

fn filters(settings: &Settings) -> FilterConfig {
    let Filters { orders, gfp, .. } = &settings.filters;
    FilterConfig {
        least_order: orders.0,
        greatest_order: orders.1,
        gfp_required: gfp.0,
        gfp_excluded: gfp.1,
        user_memory: UserMemoryConfig {
            migratetype: settings.skipped_migratetype.unwrap_or(NO_MIGRATETYPE),
            ..FilterConfig::DEFAULT.user_memory
        },
        ..FilterConfig::DEFAULT
    }
}

/// The id that the programs see of this process.
fn own_process() -> Result<u32> {
    let mut ebpf = EbpfLoader::new().load(QUERY)?;
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
    let mut object = MmapMut::map_anon(TRACE.len())?;
    object.copy_from_slice(TRACE);
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
