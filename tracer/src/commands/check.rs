//! `pagetrace check`: what this kernel and this user can do, and the remedy for
//! what they cannot.

use std::process::ExitCode;

use anyhow::{Result, anyhow};

use super::trace::plan::{self, Request};
use crate::{
    bpf::{self, Bulk, Probe, Tracer, Types},
    kernel::{
        host::{self, Host},
        zoneinfo,
    },
    render,
    symbols::Vmlinux,
};

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// What it is about.
    pub subject: &'static str,
    /// What was found, or what is wrong.
    pub result: Result<String>,
    /// How bad it is if something is wrong.
    pub otherwise: Lack,
    /// What to do about it, where the error does not say so itself.
    pub remedy: Option<&'static str>,
}

/// How bad a lack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Tracing works, and something is lost.
    Degrades,
    /// Tracing cannot work.
    Prevents,
}

impl Finding {
    /// Whether tracing can work in spite of it.
    pub fn lets_trace(&self) -> bool {
        self.result.is_ok() || self.otherwise == Lack::Degrades
    }
}

/// Says what was found; exit code 1 if tracing cannot work.
pub fn run() -> Result<ExitCode> {
    render::check(&findings())
}

/// Looks at everything that tracing needs, or is better with.
fn findings() -> Vec<Finding> {
    let privileges = privileges();
    // Without them, the rest would only say so again.
    let mut tracing = Vec::new();
    if privileges.result.is_ok() {
        tracing.extend([
            raw_tracepoints(),
            classic_tracepoints(),
            stack_reading(),
            verification(),
        ]);
        tracing.extend(attached());
    }
    let before = [privileges, type_information(), memory()];
    let after = [symbols(), debug_information()];
    before.into_iter().chain(tracing).chain(after).collect()
}

fn finding(
    subject: &'static str,
    result: Result<String>,
    otherwise: Lack,
    remedy: Option<&'static str>,
) -> Finding {
    Finding {
        subject,
        result,
        otherwise,
        remedy,
    }
}

fn privileges() -> Finding {
    let result = host::capabilities().and_then(plan::privileges);
    let result = result.map(|()| "may load and attach BPF programs".to_owned());
    finding("privileges", result, Lack::Prevents, None)
}

fn type_information() -> Finding {
    let result = host::btf().map(|blob| format!("{} ({} KiB)", host::BTF, blob.len() >> 10));
    finding("BTF", result, Lack::Degrades, None)
}

fn raw_tracepoints() -> Finding {
    let result = Probe::new()
        .and_then(|probe| Types::read().page_array(&probe))
        .and_then(|array| array.map_err(|missing| anyhow!(missing)))
        .map(|array| {
            let size = array.layout.size;
            format!("page structs of {size} bytes from {:#x}", array.base)
        });
    let remedy = "none needed: classic tracepoints serve instead, with a few lost frees";
    finding("raw tracepoints", result, Lack::Degrades, Some(remedy))
}

fn classic_tracepoints() -> Finding {
    let result = bpf::classic_tracepoints();
    let result = result.map(|()| "usable as a fall-back, tracefs mounted or not".to_owned());
    let remedy = "none needed while raw tracepoints work";
    finding("classic tracepoints", result, Lack::Degrades, Some(remedy))
}

fn stack_reading() -> Finding {
    let result = Probe::new().and_then(|probe| {
        let id = Types::read().stack_reader(&probe);
        id.map(|_| "programs read their stack in place".to_owned())
            .ok_or_else(|| anyhow!("programs copy their stack, which takes longer than reading it"))
    });
    let remedy = "none needed: Linux 6.17 and later let programs read it in place";
    finding("stack reading", result, Lack::Degrades, Some(remedy))
}

fn memory() -> Finding {
    let result = host::zones().and_then(|zones| {
        let frames = zoneinfo::frames(&zones);
        let needed = bpf::table_bytes(frames, crate::cli::DEFAULT_MAX_SITES);
        let available = host::available_bytes()?;
        plan::memory(needed, available)?;
        Ok(format!(
            "tables of {} MiB, {} MiB available",
            needed >> 20,
            available >> 20
        ))
    });
    finding("memory", result, Lack::Prevents, None)
}

fn verification() -> Finding {
    let result = host::page_flags().map(|_| host::PAGE_FLAGS.to_owned());
    let remedy = "use a kernel with CONFIG_PROC_PAGE_MONITOR to have each page verified";
    finding("page verification", result, Lack::Degrades, Some(remedy))
}

/// Really attaches, for a moment.
fn attached() -> [Finding; 2] {
    let request = Request {
        max_sites: crate::cli::DEFAULT_MAX_SITES,
        check_every: Some(crate::cli::DEFAULT_CHECK_EVERY),
        ..Request::default()
    };
    let tracer = plan::plan(&request).and_then(|plan| Tracer::attach(&plan.settings));
    let bulk = match tracer.as_ref().map(Tracer::bulk) {
        Ok(Bulk::Traced) => Ok("pages of the bulk allocator are seen".to_owned()),
        Ok(Bulk::Untraced(reason)) => Err(anyhow!(reason)),
        Err(_) => Err(anyhow!("nothing can be traced")),
    };
    let remedy = "none needed where the kernel has no bulk allocator; else its pages (vmalloc, \
                  page_pool, sunrpc) are not seen";
    let bulk = finding("bulk allocations", bulk, Lack::Degrades, Some(remedy));
    let result = tracer.map(|_| "programs loaded, attached and detached again".to_owned());
    let remedy = "use Linux 5.10 or later with CONFIG_BPF_SYSCALL, CONFIG_BPF_EVENTS and BPF not \
                  locked down";
    [
        finding("tracing", result, Lack::Prevents, Some(remedy)),
        bulk,
    ]
}

fn symbols() -> Finding {
    let result = plan::symbols().map(|()| host::KALLSYMS.to_owned());
    finding("kernel symbols", result, Lack::Degrades, None)
}

fn debug_information() -> Finding {
    let result = Host::running().and_then(|host| {
        let vmlinux = Vmlinux::installed(&host.kernel, host::build_id().as_ref());
        let vmlinux = vmlinux.ok_or_else(|| anyhow!("no files and lines in stacks"))?;
        Ok(vmlinux.path.display().to_string())
    });
    let remedy = "install this kernel's debug package, or name its vmlinux with --vmlinux";
    finding("debug information", result, Lack::Degrades, Some(remedy))
}
