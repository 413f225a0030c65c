//! What must be so before a trace can begin; each failure names its remedy.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    ops::Range,
};

use anyhow::{Error, Result, bail, ensure};
use rustix::thread::CapabilitySet;
use tracer_ebpf::MAX_ORDER;

use super::filters;
use crate::{
    bpf::{self, Features, PageArray, Settings, Unwinding},
    cli::{FilterArgs, HookChoice},
    kernel::{
        host,
        pageflags::PageFlagsFile,
        zoneinfo::{self, Zone},
    },
    model::{Feature, Limitation, Takers},
    render,
};

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Which allocations to record.
    pub filters: FilterArgs,
    /// Whom to tell apart at one stack.
    pub takers: Option<Takers>,
    /// How many call sites to tell apart.
    pub max_sites: u32,
    /// Which kind of tracepoint to sit on.
    pub hook: HookChoice,
    /// Of so many stacks unwound by rules, the kernel unwinds one too; none to have the kernel
    /// unwind every stack.
    pub check_every: Option<u64>,
    /// Whether who has the pages is looked up at the end.
    pub holders: bool,
    /// Whether the kernel side sends messages.
    pub verbose: bool,
}

/// How to trace on this machine.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the tracer is told.
    pub settings: Settings,
    /// Where page structs lie, if that is known, whichever tracepoints are in use.
    pub page_structs: Option<PageArray>,
    /// Whether who has the pages is looked up at the end.
    pub holders: bool,
    /// What this kernel's gfp flags are called; nothing without tracefs.
    pub gfp_flags: BTreeMap<String, u32>,
    /// What is limited, as far as it touches the numbers.
    pub limitations: Vec<Limitation>,
}

/// Finds out how to trace on this machine.
pub fn plan(request: &Request) -> Result<Plan> {
    privileges(host::capabilities()?, host::in_user_namespace())?;
    let zones = host::zones()?;
    let spans = spans(&zones);
    memory(
        bpf::table_bytes(&spans, request.max_sites)?,
        host::available_bytes()?,
    )?;
    let features = Features::probe()?;
    let page_array = page_array(&features, request.hook)?;
    let bulk = features.bulk.clone().and_then(|bulk| {
        let no_frames = "tracefs tracepoints are in use, and its pages come as pointers";
        if page_array.is_err() {
            return Err(Feature::BulkAllocations.degraded(no_frames));
        }
        Ok(bulk)
    });
    let settings = Settings {
        spans,
        filters: filters::resolve(&request.filters, &zones, features.own_process)?,
        takers: request.takers,
        movable: features.movable,
        movable_gfp: features.movable_gfp,
        own_process: features.own_process,
        max_sites: request.max_sites,
        // Where the kernel does not tell, blocks may be as large as the table has them.
        largest_order: host::largest_order().map_or(MAX_ORDER, |order| order.min(MAX_ORDER)),
        bulk,
        page_array: page_array.clone().ok(),
        interrupt_entries: host::kallsyms()?.interrupt_entries().clone(),
        counts_tracefs_misses: features.counts_tracefs_misses,
        unwinding: unwinding(request, page_array.is_ok(), &features),
        verbose: request.verbose,
    };
    let limitations = page_array.err().into_iter().chain(symbols().err());
    Ok(Plan {
        settings,
        page_structs: features.page_array.ok(),
        holders: request.holders,
        gfp_flags: bpf::gfp_flags().unwrap_or_default(),
        limitations: limitations.collect(),
    })
}

/// The page frames of these zones, as the slot table can have them.
pub fn spans(zones: &[Zone]) -> Vec<Range<u64>> {
    zoneinfo::spans(zones, bpf::SPAN_ALIGNMENT, bpf::MOST_SPANS)
}

/// By the stack itself where the programs' context lies on it, as that of raw
/// tracepoints does.
fn unwinding(request: &Request, is_raw: bool, features: &Features) -> Unwinding {
    match request.check_every {
        Some(check_every) if is_raw => Unwinding::Stack {
            by: features.stack_layout,
            check_every,
            cast: features.stack_reader.as_ref().ok().copied(),
        },
        _ => Unwinding::Kernel,
    }
}

/// Whether this process may load and attach the programs, and see page frame numbers:
/// `CAP_BPF` and `CAP_PERFMON` (since Linux 5.8) are enough for the first only.
pub fn privileges(held: CapabilitySet, in_user_namespace: bool) -> Result<()> {
    ensure!(
        !in_user_namespace,
        "this is a user namespace, whose root may not trace: run pagetrace on the host, as root"
    );
    ensure!(
        held.contains(CapabilitySet::SYS_ADMIN),
        "tracing needs root, or at least CAP_SYS_ADMIN: run it with sudo"
    );
    Ok(())
}

/// Files that a trace has open at most, with some to spare: each table and each program is one.
const DESCRIPTORS: u64 = 64;

/// Whether so many more files may be opened.
pub fn descriptors(left: u64) -> Result<()> {
    ensure!(
        left >= DESCRIPTORS,
        "tracing opens up to {DESCRIPTORS} files, and only {left} more may be opened: raise the \
         limit with `ulimit -n 1024`"
    );
    Ok(())
}

/// Memory beside the tables, in bytes: this process, its programs, and the kernel while it
/// verifies them. 31 MiB were just enough for a report on some hundred sites; one on very
/// many needs 2 KiB for each.
const BESIDE_TABLES: u64 = 40 << 20;

/// Whether `tables` bytes and the rest fit into the memory that is available.
pub fn memory(tables: u64, available: u64) -> Result<()> {
    let needed = tables + BESIDE_TABLES;
    let (tables, needed_mib, available_mib) = (tables >> 20, needed >> 20, available >> 20);
    ensure!(
        needed <= available,
        "tracing needs {needed_mib} MiB of memory, {tables} MiB of them for its tables, and only \
         {available_mib} MiB are available: free some, raise the limit of its control group, or \
         lower --max-sites"
    );
    Ok(())
}

/// The array of page structs, which raw tracepoints need, or why tracefs tracepoints
/// are in use.
fn page_array(features: &Features, choice: HookChoice) -> Result<Result<PageArray, Limitation>> {
    match &features.page_array {
        _ if choice == HookChoice::Tracefs => {
            let chosen = "--hook tracefs is in use, which can lose frees";
            Ok(Err(Feature::RawTracepoints.degraded(chosen)))
        }
        Err(limitation) if choice == HookChoice::Raw => bail!(limitation.reason.clone()),
        found => Ok(found.clone()),
    }
}

/// What each page frame is now, where the kernel tells this process.
pub fn page_flags() -> Result<PageFlagsFile, Limitation> {
    host::page_flags().map_err(|error| {
        let remedy = if is_forbidden(&error) {
            AS_ROOT
        } else {
            "use a kernel with CONFIG_PROC_PAGE_MONITOR to have each page verified"
        };
        Feature::PageVerification
            .degraded(render::sentence(&error))
            .remedied(remedy)
    })
}

/// What to do where a file is root's own, which CAP_SYS_ADMIN alone does not open.
pub const AS_ROOT: &str = "run pagetrace as root, or with CAP_DAC_READ_SEARCH too";

/// Whether the user lacks the right to open a file.
pub fn is_forbidden(error: &Error) -> bool {
    let causes = error.chain().filter_map(|cause| cause.downcast_ref());
    causes
        .into_iter()
        .any(|cause: &io::Error| cause.kind() == ErrorKind::PermissionDenied)
}

/// Whether kernel addresses can be named, for this process.
pub fn symbols() -> Result<(), Limitation> {
    let hidden =
        || Feature::KernelSymbols.degraded("kernel symbols are hidden, so stacks are numbers");
    match host::kallsyms_readable() {
        Ok(true) => Ok(()),
        Ok(false) => Err(hidden()
            .remedied("trace as root (CAP_SYSLOG) and with `sysctl kernel.kptr_restrict=1`")),
        Err(error) => Err(Feature::KernelSymbols.degraded(format!("{error:#}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_told_the_remedy() {
        let few = CapabilitySet::BPF | CapabilitySet::PERFMON | CapabilitySet::SYSLOG;
        for held in [CapabilitySet::empty(), few] {
            let error = privileges(held, false).expect_err("it may not trace");
            assert!(error.to_string().contains("sudo"));
        }
        assert!(privileges(CapabilitySet::SYS_ADMIN, false).is_ok());
    }

    #[test]
    fn the_root_of_a_namespace_is_not_told_to_become_root() {
        let error =
            privileges(CapabilitySet::all(), true).expect_err("the kernel asks outside of it");
        assert!(error.to_string().contains("on the host"));
    }

    #[test]
    fn too_few_descriptors_name_the_limit() {
        assert!(descriptors(u64::MAX).is_ok());
        let error = descriptors(21).expect_err("one table would be missing");
        assert!(error.to_string().contains("only 21"), "{error}");
        assert!(error.to_string().contains("ulimit -n"), "{error}");
    }

    #[test]
    fn a_table_that_does_not_fit_says_by_how_much() {
        assert!(memory(1 << 20, 41 << 20).is_ok());
        let error = memory(100 << 20, 3 << 20).expect_err("it does not fit");
        assert!(error.to_string().contains("140 MiB"), "{error}");
        assert!(error.to_string().contains("3 MiB"), "{error}");
    }
}
