//! One trace from start to end: prepare, watch, analyse, write.

mod command;
mod filters;
mod holders;
mod look;
mod pages;
pub mod plan;
mod readings;
mod samples;
mod watch;

use std::{collections::BTreeMap, process::ExitCode, time::Instant};

use anyhow::Result;

pub(super) use self::{look::look, readings::Readings, samples::Samples};

use self::{
    command::RunningCommand,
    plan::{Plan, Request},
    watch::Clock,
};
use super::{interruption::Interruption, outputs::Outputs};
use crate::{
    analysis::{self, Marking, Recorded},
    bpf::Tracer,
    cli::{SymbolArgs, TraceArgs},
    kernel::host,
    model::{Cost, Host, Report, Takers},
    render::{self, Progress},
    symbols::{KernelSymbols, Vmlinux},
};

/// Traces as the options say, and writes the report; the exit code is that of the traced command, if
/// there is one and it has ended.
pub fn run(args: &TraceArgs) -> Result<ExitCode> {
    prepare(args)?;
    let outputs = Outputs::open(&args.ranking, &args.output)?;
    let recording = record(args, || {})?;
    outputs.write(&recording.report)?;
    remark(
        args,
        format!(
            "report written {} after the end of the window",
            seconds(recording.ended)
        ),
    );
    Ok(recording.exit_code)
}

/// A window that was recorded.
pub(super) struct Recording {
    pub(super) report: Report,
    exit_code: ExitCode,
    ended: Instant,
}

/// Makes sure that enough files can be opened, before any is.
pub(super) fn prepare(args: &TraceArgs) -> Result<()> {
    render::say_logged(if args.output.verbose {
        log::LevelFilter::Info
    } else {
        log::LevelFilter::Warn
    });
    plan::descriptors(host::descriptors_left()?)
}

/// Records one window as the options say, after [`prepare`]; `begun` is called once everything is
/// recorded.
pub(super) fn record(args: &TraceArgs, begun: impl FnOnce()) -> Result<Recording> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_all()
        .build()?
        .block_on(recording(args, begun))
}

async fn recording(args: &TraceArgs, begun: impl FnOnce()) -> Result<Recording> {
    let start = Instant::now();
    let host = host::running()?;
    let vmlinux = vmlinux(&args.symbols, &host)?;
    // Whoever sees that the trace has begun can end it and get a report.
    let interruption = Interruption::listen()?;
    let plan = plan::plan(&request(args))?;
    let mut cgroups = cgroup_paths(&plan);
    let tracer = attach(&plan)?;
    let clock = Clock::start(args.window());
    let before = Readings::now();
    remark(
        args,
        format!("slot table {} bytes", tracer.slot_table_bytes()),
    );
    remark(args, format!("attached {} after start", seconds(start)));
    begun();
    let mut command = RunningCommand::start(&args.cmd)?;
    let progress = Progress::new(args.window().end, host.page_size);
    let watched = watch::watch(tracer, clock, args, interruption, &mut command, &progress).await?;
    cgroups.append(&mut cgroup_paths(&plan));
    let recorded = recorded(watched.tracer, &plan, before, watched.readings, cgroups)?;
    let symbols = KernelSymbols::new(host::kallsyms()?, vmlinux.as_ref());
    let named = |addresses: &_| symbols.frames(addresses);
    let mut report = analysis::report(host, watched.window, recorded, named);
    report.images = host::images(report.modules(), symbols.text_address());
    Ok(Recording {
        report,
        exit_code: command.exit_code(),
        ended: watched.ended,
    })
}

fn attach(plan: &Plan) -> Result<Tracer> {
    for limitation in &plan.limitations {
        render::say(&limitation.to_string());
    }
    Tracer::attach(&plan.settings)
}

/// The paths of the cgroups that are there, if cgroups are told apart: asked for before the window,
/// too, since those of jobs that ended in it are gone.
fn cgroup_paths(plan: &Plan) -> BTreeMap<u64, String> {
    match plan.settings.takers {
        Some(Takers::Cgroup) => host::cgroup_paths(),
        Some(Takers::Process) | None => BTreeMap::new(),
    }
}

/// Looks at every page that is still out, ends the trace, and says what it cost.
fn recorded(
    mut tracer: Tracer,
    plan: &Plan,
    before: Readings,
    after: Readings,
    cgroup_paths: BTreeMap<u64, String>,
) -> Result<Recorded> {
    let recorded = look(&mut tracer, plan, Marking::HasEnded)?;
    Ok(Recorded {
        cgroup_paths,
        cost: Cost {
            process_cpu_seconds: after.cpu_time_since(&before),
            ..recorded.cost
        },
        meminfo: after.meminfo_since(before),
        ..recorded
    })
}

fn request(args: &TraceArgs) -> Request {
    Request {
        filters: args.filters.clone(),
        takers: args.ranking.by.takers(),
        max_sites: args.tracer.max_sites,
        hook: args.tracer.hook,
        check_every: args.tracer.check_every(),
        holders: !args.tracer.no_holders,
        verbose: args.output.verbose,
    }
}

/// The image the user names, which must be the running kernel's, or an installed one.
pub(super) fn vmlinux(symbols: &SymbolArgs, host: &Host) -> Result<Option<Vmlinux>> {
    let build_id = host::build_id();
    match &symbols.vmlinux {
        Some(path) => Vmlinux::open(path, build_id.as_ref()).map(Some),
        None => Ok(Vmlinux::installed(&host.kernel, build_id.as_ref())),
    }
}

fn remark(args: &TraceArgs, sentence: String) {
    if args.output.verbose {
        render::say(&sentence);
    }
}

fn seconds(since: Instant) -> String {
    format!("{:.3} s", since.elapsed().as_secs_f64())
}
