//! `pagetrace check`: what this kernel and this user can do, and the remedy for
//! what they cannot.

use std::process::ExitCode;

use anyhow::{Result, anyhow};

use crate::{
    capture::{self, Scope, Tracer},
    cli::HookChoice,
    kernel::host::{self, Host},
    preflight::{self, Wishes},
    present,
    symbols::Vmlinux,
};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub subject: &'static str,
    /// Whether it is as it should be.
    pub state: State,
    /// What was found.
    pub fact: String,
    /// What to do about it, where the fact does not say so itself.
    pub remedy: Option<&'static str>,
}

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// Tracing works, and something is lost.
    Degraded,
    /// Tracing cannot work.
    Missing,
}

/// Prints what was found; exit code 1 if tracing cannot work.
pub fn run() -> Result<ExitCode> {
    let findings = findings();
    let mut out = anstream::stdout().lock();
    present::checklist(&findings, &mut out)?;
    let works = findings
        .iter()
        .all(|finding| finding.state != State::Missing);
    Ok(if works {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn findings() -> Vec<Finding> {
    let privileges = privileges();
    // Without them, the rest would only say so again.
    let tracepoints = if privileges.state == State::Ok {
        vec![raw_tracepoints(), classic_tracepoints(), tracing()]
    } else {
        vec![]
    };
    let before = [privileges, type_information(), memory()];
    let after = [symbols(), debug_information()];
    before.into_iter().chain(tracepoints).chain(after).collect()
}

fn finding(
    subject: &'static str,
    result: Result<String>,
    otherwise: State,
    remedy: Option<&'static str>,
) -> Finding {
    match result {
        Ok(fact) => Finding {
            subject,
            state: State::Ok,
            fact,
            remedy: None,
        },
        Err(error) => Finding {
            subject,
            state: otherwise,
            fact: present::sentence(&error),
            remedy,
        },
    }
}

fn privileges() -> Finding {
    let result = host::capabilities().and_then(preflight::privileges);
    let result = result.map(|()| "may load and attach BPF programs".to_owned());
    finding("privileges", result, State::Missing, None)
}

fn type_information() -> Finding {
    let result = host::btf().map(|blob| format!("{} ({} KiB)", host::BTF, blob.len() >> 10));
    finding("BTF", result, State::Degraded, None)
}

fn raw_tracepoints() -> Finding {
    let result = preflight::calibrated()
        .and_then(|array| array.map_err(|missing| anyhow!(missing)))
        .map(|array| {
            let size = array.page_struct_size;
            format!("page structs of {size} bytes from {:#x}", array.base)
        });
    let remedy = "none needed: classic tracepoints serve instead, with a few lost frees";
    finding("raw tracepoints", result, State::Degraded, Some(remedy))
}

fn classic_tracepoints() -> Finding {
    let result = capture::classic_tracepoints();
    let result = result.map(|()| "usable as a fall-back, tracefs mounted or not".to_owned());
    let remedy = "none needed while raw tracepoints work";
    finding("classic tracepoints", result, State::Degraded, Some(remedy))
}

fn memory() -> Finding {
    let result = host::frames().and_then(|frames| {
        let needed = capture::table_bytes(frames, crate::cli::DEFAULT_MAX_SITES);
        let available = host::meminfo_bytes("MemAvailable")?;
        preflight::memory(needed, available)?;
        Ok(format!(
            "tables of {} MiB, {} MiB available",
            needed >> 20,
            available >> 20
        ))
    });
    finding("memory", result, State::Missing, None)
}

/// Really attaches, for a moment.
fn tracing() -> Finding {
    let wishes = Wishes {
        scope: Scope::Kernel,
        max_sites: crate::cli::DEFAULT_MAX_SITES,
        hook: HookChoice::Auto,
        verbose: false,
    };
    let result = preflight::settings(wishes).and_then(|settings| Tracer::attach(&settings));
    let result = result.map(|_| "programs loaded, attached and detached again".to_owned());
    let remedy = "use Linux 5.10 or later with CONFIG_BPF_SYSCALL, CONFIG_BPF_EVENTS and BPF not \
                  locked down";
    finding("tracing", result, State::Missing, Some(remedy))
}

fn symbols() -> Finding {
    let result = preflight::symbols().map(|()| host::KALLSYMS.to_owned());
    finding("kernel symbols", result, State::Degraded, None)
}

fn debug_information() -> Finding {
    let result = Host::running().and_then(|host| {
        let vmlinux = Vmlinux::installed(&host.kernel, host::build_id().as_ref());
        let vmlinux = vmlinux.ok_or_else(|| anyhow!("no files and lines in stacks"))?;
        Ok(vmlinux.path.display().to_string())
    });
    let remedy = "install this kernel's debug package, or name its vmlinux with --vmlinux";
    finding("debug information", result, State::Degraded, Some(remedy))
}
