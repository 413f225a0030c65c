//! What must be so before a trace can begin; each failure names its remedy.

use anyhow::{Result, bail, ensure};

use super::filters;
use crate::{
    bpf::{self, PageArray, Probe, Settings, Types, Unwinding},
    cli::{FilterArgs, HookChoice},
    kernel::{capabilities::Capabilities, host, zoneinfo},
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
    /// Why it has to use classic tracepoints, if it has to.
    pub fallen_back: Option<&'static str>,
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
    let types = Types::read();
    let mut probe = Probe::new()?;
    let own_process = probe.own_process()?;
    let (page_array, fallen_back) = page_array(&types, &mut probe, request.hook)?;
    let settings = Settings {
        frames,
        filters: filters::resolve(&request.filters, &zones, own_process)?,
        movable: types.movable,
        own_process,
        max_sites: request.max_sites,
        bulk: types.bulk_allocator(page_array.is_some()),
        page_array,
        interrupt_entries: host::kallsyms()?.interrupt_entries().clone(),
        unwinding: unwinding(request, page_array.is_some(), || types.stack_reader(&probe)),
        verbose: request.verbose,
    };
    Ok(Plan {
        settings,
        fallen_back,
    })
}

/// By rules where the programs' context lies on the stack, as that of raw
/// tracepoints does.
fn unwinding(request: &Request, is_raw: bool, cast: impl FnOnce() -> Option<u32>) -> Unwinding {
    match request.check_every {
        Some(check_every) if is_raw => Unwinding::Rules {
            check_every,
            cast: cast(),
        },
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

/// The array of page structs, which raw tracepoints need; none for classic
/// ones, with the reason if the user did not ask for them.
fn page_array(
    types: &Types,
    probe: &mut Probe,
    choice: HookChoice,
) -> Result<(Option<PageArray>, Option<&'static str>)> {
    if choice == HookChoice::Classic {
        return Ok((None, None));
    }
    match types.page_array(probe)? {
        Ok(array) => Ok((Some(array), None)),
        Err(missing) if choice == HookChoice::Raw => bail!(missing),
        Err(missing) => Ok((None, Some(missing))),
    }
}

/// Whether kernel addresses can be named, for this process.
pub fn symbols() -> Result<()> {
    ensure!(
        host::kallsyms_readable()?,
        "kernel symbols are hidden, so stacks are numbers: trace as root (CAP_SYSLOG) and with \
         `sysctl kernel.kptr_restrict=1`"
    );
    Ok(())
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
