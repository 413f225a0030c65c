//! What BTF says of the types and functions that matter here.

use anyhow::Result;

use super::{BulkAllocator, CAST_FUNCTION, PageArray, PageLayout, Probe};
use crate::kernel::{btf::Btf, host};

/// `MIGRATE_MOVABLE` where BTF does not tell; it has not moved since 2007
/// (include/linux/mmzone.h).
const MIGRATE_MOVABLE: u32 = 1;

/// What BTF says of the types and functions that matter here.
#[derive(Clone, Debug)]
pub struct Types {
    page: Option<PageLayout>,
    /// The value of `MIGRATE_MOVABLE`.
    pub movable: u32,
    bulk: Result<BulkAllocator, &'static str>,
    /// The id of the function by which programs may read any memory.
    cast: Option<u32>,
}

impl Types {
    /// Asks the running kernel; without BTF, only what never changes is known.
    pub fn read() -> Self {
        let blob = host::btf().unwrap_or_default();
        let Ok(btf) = Btf::parse(&blob) else {
            return Self {
                page: None,
                movable: MIGRATE_MOVABLE,
                cast: None,
                bulk: Err("the kernel has no BTF (CONFIG_DEBUG_INFO_BTF) that describes it"),
            };
        };
        let movable = btf.enumerator("MIGRATE_MOVABLE");
        Self {
            page: page_layout(&btf),
            movable: movable.unwrap_or(MIGRATE_MOVABLE),
            bulk: bulk_allocator(&btf),
            cast: btf.function_id(CAST_FUNCTION).ok(),
        }
    }

    /// The array of page structs, or why it cannot be found; an error if BPF
    /// does not work.
    pub fn page_array(&self, probe: &Probe) -> Result<Result<PageArray, &'static str>> {
        let Some(layout) = self.page else {
            return Ok(Err(
                "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF) to tell the size of a page struct",
            ));
        };
        probe.page_array(layout)
    }

    /// The id of the kernel's function by which programs can read their stack, if they can.
    pub fn stack_reader(&self, probe: &Probe) -> Option<u32> {
        self.cast.filter(|&id| probe.reads_stacks(id))
    }

    /// The bulk allocator, or why its pages cannot be seen; for that, the array
    /// of page structs must be known.
    pub fn bulk_allocator(&self, has_page_array: bool) -> Result<BulkAllocator, String> {
        let allocator = self.bulk?;
        if !has_page_array {
            return Err(
                "classic tracepoints are in use, and its pages come as pointers".to_owned(),
            );
        }
        Ok(allocator)
    }
}

fn page_layout(btf: &Btf<'_>) -> Option<PageLayout> {
    let offset = |member| btf.member_offset("page", member).ok().map(u64::from);
    Some(PageLayout {
        size: u64::from(btf.struct_size("page").ok()?),
        references: offset("_refcount"),
        list: offset("lru"),
    })
}

/// The function by its names since Linux 5.13, if its parameters are those the programs know
/// (mm/page_alloc.c).
fn bulk_allocator(btf: &Btf<'_>) -> Result<BulkAllocator, &'static str> {
    const FUNCTIONS: [&str; 2] = ["alloc_pages_bulk_noprof", "__alloc_pages_bulk"];
    const BEGINNING: [&str; 4] = ["gfp", "preferred_nid", "nodemask", "nr_pages"];
    let parameters = |function| Some((function, btf.parameters(function).ok()?));
    let (function, parameters) = FUNCTIONS
        .into_iter()
        .find_map(parameters)
        .ok_or("the kernel has none (before Linux 5.13)")?;
    let (list, array) = match parameters.strip_prefix(&BEGINNING) {
        Some(["page_array"]) => (4, 4),
        Some(["page_list", "page_array"]) => (4, 5),
        _ => return Err("its parameters are not those of Linux 5.13 to 7.2"),
    };
    Ok(BulkAllocator {
        function,
        list,
        array,
    })
}
