//! Loading, attaching and detaching the programs.

use std::os::fd::{AsFd as _, AsRawFd as _};

use anyhow::{Context as _, Result, anyhow};
use aya::{
    Ebpf,
    programs::{
        Program, ProgramError, RawTracePoint, TracePoint, raw_trace_point::RawTracePointLinkId,
    },
};
use perf_event::{Builder, Counter, events::Tracepoint};
use tracer_ebpf::programs;

use super::tracefs::Tracefs;
use crate::kernel::tracepoint;

/// The kind of tracepoint the programs sit on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    /// Raw tracepoints: cheap, and at most blind to their own recursion. They hand
    /// over `struct page` pointers, so the page array must be known.
    Raw,
    /// Tracepoints by tracefs, which carry the page frame number; the kernel skips
    /// them whenever any BPF program is running on the CPU.
    Tracefs,
}

/// The attached programs of a window.
pub(super) struct Hooks {
    alloc: Option<Link>,
    free: Option<Link>,
    hook: Hook,
}

/// A program's attachment.
pub(super) enum Link {
    Raw(RawTracePointLinkId),
    /// The event that the program sits on; closing it detaches the program.
    Tracefs(Counter),
}

impl Hooks {
    /// Loads and attaches both programs.
    pub(super) fn attach(ebpf: &mut Ebpf, hook: Hook) -> Result<Self> {
        let (alloc, free) = names(hook);
        load(ebpf, hook, free)?;
        load(ebpf, hook, alloc)?;
        // Frees first, so that no page that is recorded can be freed unseen.
        let free = attach(ebpf, hook, free, tracepoint::FREE)?;
        let alloc = attach(ebpf, hook, alloc, tracepoint::ALLOC)?;
        Ok(Self {
            alloc: Some(alloc),
            free: Some(free),
            hook,
        })
    }

    /// No allocation is recorded from here on.
    pub(super) fn detach_alloc(&mut self, ebpf: &mut Ebpf) -> Result<()> {
        let (alloc, _) = names(self.hook);
        self.alloc
            .take()
            .map_or(Ok(()), |link| detach(ebpf, alloc, link))
    }

    /// The slot table is still from here on.
    pub(super) fn detach_free(&mut self, ebpf: &mut Ebpf) -> Result<()> {
        let (_, free) = names(self.hook);
        self.free
            .take()
            .map_or(Ok(()), |link| detach(ebpf, free, link))
    }

    /// The kind of tracepoint.
    pub(super) const fn hook(&self) -> Hook {
        self.hook
    }

    /// Names of the two programs in use.
    pub(super) const fn programs(&self) -> [&'static str; 2] {
        let (alloc, free) = names(self.hook);
        [alloc, free]
    }
}

const fn names(hook: Hook) -> (&'static str, &'static str) {
    match hook {
        Hook::Raw => (programs::PAGE_ALLOC, programs::PAGE_FREE),
        Hook::Tracefs => (programs::PAGE_ALLOC_TRACEFS, programs::PAGE_FREE_TRACEFS),
    }
}

/// Hands a program to the kernel's verifier.
pub(super) fn load(ebpf: &mut Ebpf, hook: Hook, name: &str) -> Result<()> {
    let loaded = match hook {
        Hook::Raw => program::<RawTracePoint>(ebpf, name)?.load(),
        Hook::Tracefs => program::<TracePoint>(ebpf, name)?.load(),
    };
    loaded.map_err(|error| refusal(name, error))
}

/// Attaches a loaded program to a tracepoint.
pub(super) fn attach(ebpf: &mut Ebpf, hook: Hook, name: &str, event: &str) -> Result<Link> {
    let link = match hook {
        Hook::Raw => program::<RawTracePoint>(ebpf, name)?
            .attach(event)
            .map(Link::Raw)
            .map_err(Into::into),
        Hook::Tracefs => attach_by_tracefs(program(ebpf, name)?, event).map(Link::Tracefs),
    };
    link.with_context(|| {
        format!(
            "cannot attach to the tracepoint {event}, which kernels with CONFIG_TRACEPOINTS and \
             CONFIG_BPF_EVENTS have"
        )
    })
}

/// By hand: `TracePoint::attach` finds tracepoints only where tracefs is mounted in one of two
/// folders. A program is run on every CPU, whichever CPU its event is opened on.
fn attach_by_tracefs(program: &TracePoint, event: &str) -> Result<Counter> {
    let tracepoint = Tracepoint::with_id(Tracefs::open()?.id(event)?);
    let mut builder = Builder::new(tracepoint);
    let mut counter = builder.any_pid().one_cpu(0).include_kernel().build()?;
    counter.set_bpf(program.fd()?.as_fd().as_raw_fd())?;
    counter.enable()?;
    Ok(counter)
}

/// Detaches a program from its tracepoint.
pub(super) fn detach(ebpf: &mut Ebpf, name: &str, link: Link) -> Result<()> {
    let detached = match link {
        Link::Raw(link) => program::<RawTracePoint>(ebpf, name)?.detach(link),
        Link::Tracefs(event) => {
            drop(event);
            Ok(())
        }
    };
    detached.with_context(|| format!("cannot detach {name}"))
}

/// Why the kernel refused a program, in one sentence; the verifier's whole
/// account, which can be thousands of lines, only with `-v`.
pub(super) fn refusal(name: &str, error: ProgramError) -> anyhow::Error {
    let what = format!("the kernel refused the program {name}");
    let ProgramError::LoadError {
        io_error,
        verifier_log,
    } = error
    else {
        return anyhow::Error::new(error).context(what);
    };
    let log = verifier_log.to_string();
    log::info!("the verifier on {name}:\n{log}");
    match verdict(&log) {
        Some(verdict) => anyhow!("{what}: {io_error}: {verdict}"),
        None => anyhow!("{what}: {io_error}"),
    }
}

/// The line in which the verifier says what is wrong: its last one before the statistics.
fn verdict(log: &str) -> Option<&str> {
    const STATISTICS: [&str; 4] = [
        "processed ",
        "verification time ",
        "stack depth ",
        "mark_read ",
    ];
    let is_statistics = |line: &&str| STATISTICS.iter().any(|start| line.starts_with(start));
    log.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty() && !is_statistics(line))
}

/// A program of the object, as the kind it is.
pub(super) fn program<'a, P: 'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut P>
where
    &'a mut P: TryFrom<&'a mut Program>,
{
    let program = ebpf
        .program_mut(name)
        .and_then(|program| program.try_into().ok());
    program.with_context(|| format!("the BPF object has no program {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_one_line() {
        let log = "0: (79) r2 = *(u64 *)(r1 +0)\n\
                   The sequence of 8193 jumps is too complex.\n\
                   verification time 580436 usec\n\
                   processed 76510 insns (limit 1000000) mark_read 0\n\n";
        assert_eq!(
            verdict(log),
            Some("The sequence of 8193 jumps is too complex.")
        );
        assert_eq!(verdict(""), None);
    }
}
