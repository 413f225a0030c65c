//! What the running kernel lets pagetrace do, found out once: `pagetrace check`, the
//! trace and its report all go by it.

use anyhow::Result;
use tracer_ebpf::QueryConfig;

use super::{
    BulkAllocator, Layout, MovableGfp, PageArray, PageLayout, calibration, cast, object, queries,
};
use crate::{
    kernel::{btf::Btf, host},
    model::{Feature, Limitation},
};

/// `MIGRATE_MOVABLE` where BTF does not tell; it has not moved since 2007
/// (include/linux/mmzone.h).
const MIGRATE_MOVABLE: u32 = 1;

/// What the running kernel lets pagetrace do.
#[derive(Clone, Debug)]
pub struct Features {
    /// The array of page structs, which raw tracepoints need.
    pub page_array: Result<PageArray, Limitation>,
    /// The BTF id of the function by which programs read their stack in place.
    pub stack_reader: Result<u32, Limitation>,
    /// What a kernel stack has that leads from one return address to the next.
    pub stack_layout: Layout,
    /// The bulk allocator, if its pages can be seen.
    pub bulk: Result<BulkAllocator, Limitation>,
    /// The value of `MIGRATE_MOVABLE`.
    pub movable: u32,
    /// The flags by which movable pages are told apart.
    pub movable_gfp: MovableGfp,
    /// This process's id in the initial namespace.
    pub own_process: u32,
    /// Whether the kernel is known to count the events that it keeps from programs on tracefs
    /// tracepoints.
    pub counts_tracefs_misses: bool,
}

impl Features {
    /// Looks at the running kernel; an error where BPF does not work.
    pub fn probe() -> Result<Self> {
        let own_process = queries::own_process()?;
        let types = Types::read();
        Ok(Self {
            page_array: page_array(&types, own_process)?,
            stack_reader: stack_reader(&types),
            stack_layout: types.stack_layout,
            bulk: types.bulk,
            movable: types.movable,
            movable_gfp: types.movable_gfp,
            own_process,
            counts_tracefs_misses: types.counts_tracefs_misses,
        })
    }
}

fn page_array(types: &Types, own_process: u32) -> Result<Result<PageArray, Limitation>> {
    let missing = |reason: &str| {
        let limitation = Feature::RawTracepoints.degraded(reason);
        limitation.remedied("tracefs tracepoints serve instead, and can lose frees")
    };
    let Some(layout) = types.page else {
        return Ok(Err(missing(
            "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF) to tell the size of a page struct",
        )));
    };
    Ok(locate_page_array(layout, own_process)?.map_err(missing))
}

/// Finds the array of page structs by the pages that this process takes, or says why
/// it cannot be told; an error if BPF does not work.
pub fn locate_page_array(
    layout: PageLayout,
    own_process: u32,
) -> Result<Result<PageArray, &'static str>> {
    let mut ebpf = object::load_query(QueryConfig {
        own_process: own_process.into(),
        ..QueryConfig::DEFAULT
    })?;
    calibration::calibrate(&mut ebpf, layout)
}

fn stack_reader(types: &Types) -> Result<u32, Limitation> {
    let reader = types.cast.filter(|&id| cast::reads_stacks(id));
    reader.ok_or_else(|| {
        Feature::StackReading
            .degraded("programs copy their stack, which takes longer than reading it")
            .remedied("none needed: Linux 6.17 and later let programs read it in place")
    })
}

/// Why the pages of the bulk allocator are not seen.
pub(super) fn not_bulk(reason: impl Into<String>) -> Limitation {
    let limitation = Feature::BulkAllocations.degraded(reason);
    limitation.remedied("none: its pages (vmalloc, page_pool, sunrpc) are not seen here")
}

fn no_bulk_allocator() -> Limitation {
    let limitation = Feature::BulkAllocations.degraded("the kernel has none (before Linux 5.13)");
    limitation.remedied("none needed: each page passes the tracepoint")
}

/// What BTF says of the types and functions that matter here.
struct Types {
    page: Option<PageLayout>,
    movable: u32,
    movable_gfp: MovableGfp,
    bulk: Result<BulkAllocator, Limitation>,
    /// The id of the function by which programs may read any memory.
    cast: Option<u32>,
    counts_tracefs_misses: bool,
    stack_layout: Layout,
}

impl Types {
    /// Asks the running kernel; without BTF, only what never changes is known.
    fn read() -> Self {
        let blob = host::btf().unwrap_or_default();
        let Ok(btf) = Btf::parse(&blob) else {
            return Self {
                page: None,
                movable: MIGRATE_MOVABLE,
                movable_gfp: MovableGfp::of(None),
                cast: None,
                counts_tracefs_misses: false,
                stack_layout: stack_layout(None),
                bulk: Err(not_bulk(
                    "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF) that describes it",
                )),
            };
        };
        let movable = btf.enumerator("MIGRATE_MOVABLE");
        Self {
            page: page_layout(&btf),
            movable: movable.unwrap_or(MIGRATE_MOVABLE),
            movable_gfp: MovableGfp::of(Some(&btf)),
            bulk: bulk_allocator(&btf),
            cast: btf.function_id(cast::FUNCTION).ok(),
            counts_tracefs_misses: counts_tracefs_misses(&btf),
            stack_layout: stack_layout(Some(&btf)),
        }
    }
}

fn page_layout(btf: &Btf<'_>) -> Option<PageLayout> {
    let offset = |member| btf.member_offset("page", member).ok().map(u64::from);
    Some(PageLayout {
        size: u64::from(btf.struct_size("page").ok()?),
        references: offset("_refcount"),
        list: offset("lru"),
        mapping: offset("mapping"),
    })
}

/// Of the machine that this was built for. Since Linux 6.13 the record among the registers that an
/// exception saved has no addresses, but says what it is (`struct frame_record_meta`,
/// arch/arm64/include/asm/stacktrace/frame.h).
fn stack_layout(btf: Option<&Btf<'_>>) -> Layout {
    if !cfg!(target_arch = "aarch64") {
        return Layout::Rules;
    }
    let marked = btf.filter(|btf| btf.struct_size("frame_record_meta").is_ok());
    let registers = marked.and_then(|btf| btf.member_offset("pt_regs", "stackframe").ok());
    Layout::Records {
        registers: registers.unwrap_or(0),
    }
}

/// The function by its names since Linux 5.13, if its parameters are those the programs know
/// (mm/page_alloc.c).
fn bulk_allocator(btf: &Btf<'_>) -> Result<BulkAllocator, Limitation> {
    const FUNCTIONS: [&str; 2] = ["alloc_pages_bulk_noprof", "__alloc_pages_bulk"];
    const BEGINNING: [&str; 4] = ["gfp", "preferred_nid", "nodemask", "nr_pages"];
    let parameters = |function| Some((function, btf.parameters(function).ok()?));
    let (function, parameters) = FUNCTIONS
        .into_iter()
        .find_map(parameters)
        .ok_or_else(no_bulk_allocator)?;
    let (list, array) = match parameters.strip_prefix(&BEGINNING) {
        Some(["page_array"]) => (4, 4),
        Some(["page_list", "page_array"]) => (4, 5),
        _ => {
            return Err(not_bulk(
                "its parameters are not those of Linux 5.13 to 7.2",
            ));
        }
    };
    Ok(BulkAllocator {
        function,
        list,
        array,
    })
}

/// Whether `trace_call_bpf` counts what it keeps from programs: dd8657894c11 (Linux 6.7)
/// came in one series with the parameter `missed` of its neighbour
/// (kernel/trace/bpf_trace.c). A release would not tell of a distribution that has both.
fn counts_tracefs_misses(btf: &Btf<'_>) -> bool {
    let parameters = btf.parameters("bpf_get_perf_event_info");
    parameters.is_ok_and(|names| names.contains(&"missed"))
}
