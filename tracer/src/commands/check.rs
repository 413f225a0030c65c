//! `pagetrace check`: what this kernel and this user can do, and the remedy for
//! what they cannot.

use std::process::ExitCode;

use anyhow::{Error, Result};

use super::{
    holding,
    trace::plan::{self, Request},
};
use crate::{
    bpf::{self, Features, Tracer},
    cli,
    kernel::host,
    model::{Feature, FeatureCheck, Limitation},
    render,
    symbols::Vmlinux,
};

/// Says what was found; exit code 1 if tracing cannot work.
pub fn run() -> Result<ExitCode> {
    render::check(&checks())
}

/// Looks at everything that tracing needs, or is better with.
fn checks() -> Vec<FeatureCheck> {
    let privileges = privileges();
    // Without them, the rest would only say so again.
    let tracing = if privileges.lets_trace() {
        tracing()
    } else {
        Vec::new()
    };
    let before = [privileges, type_information(), memory()];
    let after = [page_holders(), symbols(), debug_information()];
    before.into_iter().chain(tracing).chain(after).collect()
}

fn check(feature: Feature, outcome: Result<String, Limitation>) -> FeatureCheck {
    FeatureCheck { feature, outcome }
}

fn reason(error: &Error) -> String {
    render::sentence(error)
}

fn privileges() -> FeatureCheck {
    let feature = Feature::Privileges;
    let held = host::capabilities();
    let held = held.and_then(|held| plan::privileges(held, host::in_user_namespace()));
    let outcome = held
        .map(|()| "may load and attach BPF programs".to_owned())
        .map_err(|error| feature.prevented(reason(&error)));
    check(feature, outcome)
}

/// Whether all that can hold page frames is followed.
fn page_holders() -> FeatureCheck {
    let feature = Feature::PageHolders;
    let followed = holding::followed();
    let outcome = followed
        .map_err(|error| feature.degraded(reason(&error)))
        .and_then(|missing| match missing.into_iter().next() {
            Some(limitation) => Err(limitation),
            None => Ok("pipes, sockets and rings are followed".to_owned()),
        });
    check(feature, outcome)
}

fn type_information() -> FeatureCheck {
    let feature = Feature::Btf;
    let outcome = host::btf()
        .map(|blob| format!("{} ({} KiB)", host::BTF, blob.len() >> 10))
        .map_err(|error| feature.degraded(reason(&error)));
    check(feature, outcome)
}

fn memory() -> FeatureCheck {
    let feature = Feature::Memory;
    let fits = || {
        let spans = plan::spans(&host::zones()?);
        let needed = bpf::table_bytes(&spans, cli::DEFAULT_MAX_SITES)?;
        let available = host::available_bytes()?;
        plan::memory(needed, available)?;
        let (needed, available) = (needed >> 20, available >> 20);
        Ok(format!("tables of {needed} MiB, {available} MiB available"))
    };
    let outcome = fits().map_err(|error: Error| feature.prevented(reason(&error)));
    check(feature, outcome)
}

/// What a trace goes by, and whether one really attaches.
fn tracing() -> Vec<FeatureCheck> {
    if let Err(error) = host::descriptors_left().and_then(plan::descriptors) {
        let feature = Feature::Tracing;
        return vec![check(feature, Err(feature.prevented(reason(&error))))];
    }
    let mut checks = Features::probe().map_or_else(|_| Vec::new(), probed);
    checks.extend([tracefs_tracepoints(), verification()]);
    checks.extend(attached());
    checks
}

fn probed(features: Features) -> Vec<FeatureCheck> {
    let array = features.page_array.map(|array| {
        let size = array.layout.size;
        format!("page structs of {size} bytes from {:#x}", array.base)
    });
    let stack = features.stack_reader;
    let stack = stack.map(|_| "programs read their stack in place".to_owned());
    vec![
        check(Feature::RawTracepoints, array),
        check(Feature::StackReading, stack),
    ]
}

fn tracefs_tracepoints() -> FeatureCheck {
    let feature = Feature::TracefsTracepoints;
    let outcome = bpf::tracefs_tracepoints()
        .map(|()| "usable as a fall-back, tracefs mounted or not".to_owned())
        .map_err(|error| {
            let remedy = if plan::is_forbidden(&error) {
                plan::AS_ROOT
            } else {
                "none needed while raw tracepoints work"
            };
            feature.degraded(reason(&error)).remedied(remedy)
        });
    check(feature, outcome)
}

fn verification() -> FeatureCheck {
    let outcome = plan::page_flags().map(|_| host::PAGE_FLAGS.to_owned());
    check(Feature::PageVerification, outcome)
}

/// Really attaches, for a moment.
fn attached() -> [FeatureCheck; 2] {
    let request = Request {
        max_sites: cli::DEFAULT_MAX_SITES,
        check_every: Some(cli::DEFAULT_CHECK_EVERY),
        ..Request::default()
    };
    let feature = Feature::Tracing;
    let tracer = plan::plan(&request).and_then(|plan| Tracer::attach(&plan.settings));
    let bulk = match tracer.as_ref().map(Tracer::bulk_limitation) {
        Ok(None) => Ok("pages of the bulk allocator are seen".to_owned()),
        Ok(Some(limitation)) => Err(limitation.clone()),
        Err(_) => Err(Feature::BulkAllocations.degraded("nothing can be traced")),
    };
    let outcome = tracer
        .map(|_| "programs loaded, attached and detached again".to_owned())
        .map_err(|error| {
            feature.prevented(reason(&error)).remedied(
                "use Linux 5.10 or later with CONFIG_BPF_SYSCALL, CONFIG_BPF_EVENTS and BPF not \
                 locked down",
            )
        });
    [
        check(feature, outcome),
        check(Feature::BulkAllocations, bulk),
    ]
}

fn symbols() -> FeatureCheck {
    let outcome = plan::symbols().map(|()| host::KALLSYMS.to_owned());
    check(Feature::KernelSymbols, outcome)
}

fn debug_information() -> FeatureCheck {
    let feature = Feature::DebugInformation;
    let missing = || {
        let limitation = feature.degraded("no files and lines in stacks");
        limitation
            .remedied("install this kernel's debug package, or name its vmlinux with --vmlinux")
    };
    let release = host::running().map(|host| host.kernel);
    let found = release.map(|release| Vmlinux::installed(&release, host::build_id().as_ref()));
    let outcome = match found {
        Ok(Some(vmlinux)) => Ok(vmlinux.path.display().to_string()),
        Ok(None) => Err(missing()),
        Err(error) => Err(feature.degraded(reason(&error))),
    };
    check(feature, outcome)
}
