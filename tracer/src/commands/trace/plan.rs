//! What must be so before a trace can begin; each failure names its remedy.

use anyhow::{Result, bail, ensure};

use super::filters;
use crate::{
    bpf::{self, Features, PageArray, Settings, Unwinding},
    cli::{FilterArgs, HookChoice},
    kernel::{capabilities::Capabilities, host, pageflags::PageFlagsFile, zoneinfo},
    model::{Feature, Limitation},
    render,
};

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Which allocations to record.
    pub filters: FilterArgs,
    /// How many call sites to tell apart.
    pub max_sites: u32,
    /// Which kind of tracepoint to sit on.
    pub hook: HookChoice,
    /// Of so many stacks unwound by rules, the kernel unwinds one too; none to have the kernel
    /// unwind every stack.
    pub check_every: Option<u64>,
    /// Whether the kernel side sends messages.
    pub verbose: bool,
}

/// How to trace on this machine.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the tracer is told.
    pub settings: Settings,
    /// What is limited, as far as it touches the numbers.
    pub limitations: Vec<Limitation>,
}

/// Finds out how to trace on this machine.
pub fn plan(request: &Request) -> Result<Plan> {
    privileges(host::capabilities()?)?;
    let zones = host::zones()?;
    let frames = zoneinfo::frames(&zones);
    memory(
        bpf::table_bytes(frames, request.max_sites),
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
        frames,
        filters: filters::resolve(&request.filters, &zones, features.own_process)?,
        movable: features.movable,
        own_process: features.own_process,
        max_sites: request.max_sites,
        bulk,
        page_array: page_array.clone().ok(),
        interrupt_entries: host::kallsyms()?.interrupt_entries().clone(),
        counts_tracefs_misses: features.counts_tracefs_misses,
        unwinding: unwinding(request, page_array.is_ok(), features.stack_reader.ok()),
        verbose: request.verbose,
    };
    let limitations = page_array.err().into_iter().chain(symbols().err());
    Ok(Plan {
        settings,
        limitations: limitations.collect(),
    })
}

/// By rules where the programs' context lies on the stack, as that of raw
/// tracepoints does.
fn unwinding(request: &Request, is_raw: bool, cast: Option<u32>) -> Unwinding {
    match request.check_every {
        Some(check_every) if is_raw => Unwinding::Rules { check_every, cast },
        _ => Unwinding::Kernel,
    }
}

/// Whether this process may load and attach the programs.
pub fn privileges(held: Capabilities) -> Result<()> {
    ensure!(
        held.may_trace(),
        "tracing needs root, or at least CAP_SYS_ADMIN: run it with sudo"
    );
    Ok(())
}

/// Memory beside the slots and the sites, in bytes: the smaller tables, the
/// programs, and this process while it makes the report.
const BESIDE_TABLES: u64 = 48 << 20;

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
        Feature::PageVerification
            .degraded(render::sentence(&error))
            .remedied("use a kernel with CONFIG_PROC_PAGE_MONITOR to have each page verified")
    })
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
        let nobody = Capabilities::from_status("CapEff:\t0000000000000000\n");
        let error = privileges(nobody).expect_err("nobody may not trace");
        assert!(error.to_string().contains("sudo"));
    }

    #[test]
    fn a_table_that_does_not_fit_says_by_how_much() {
        assert!(memory(1 << 20, 49 << 20).is_ok());
        let error = memory(100 << 20, 3 << 20).expect_err("it does not fit");
        assert!(error.to_string().contains("148 MiB"), "{error}");
        assert!(error.to_string().contains("3 MiB"), "{error}");
    }
}
