//! One trace from start to end: prepare, watch, analyse, write.

mod command;
mod filters;
mod holders;
mod pages;
pub mod plan;
mod readings;
mod watch;

use std::{collections::BTreeMap, process::ExitCode, time::Instant};

use anyhow::Result;

use self::{
    command::RunningCommand,
    pages::LivePages,
    plan::{Plan, Request},
    readings::Readings,
    watch::Clock,
};
use super::{interruption::Interruption, outputs::Outputs};
use crate::{
    analysis::{self, Recorded},
    bpf::{self, Capture, Tracer},
    cli::TraceArgs,
    kernel::host,
    model::{Cost, Feature, Host, Report, Takers},
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
    let vmlinux = vmlinux(args, &host)?;
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
    let recorded = recorded(watched.tracer, plan, before, watched.readings, cgroups)?;
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

/// Looks at every page that is still out, then ends the trace.
fn recorded(
    tracer: Tracer,
    plan: Plan,
    before: Readings,
    after: Readings,
    cgroup_paths: BTreeMap<u64, String>,
) -> Result<Recorded> {
    let pages = LivePages::new(tracer.sites(), plan.page_structs);
    let scan = analysis::scan(tracer.slots(), &pages);
    let unverified = pages.unverified().or_else(|| {
        let some = "the kernel does not tell what some page frames are";
        let limitation = || Feature::PageVerification.degraded(some);
        scan.is_unverified().then(limitation)
    });
    let bulk = tracer.bulk_limitation().cloned();
    let found = if plan.holders {
        holders::held_by(&tracer, &plan)
    } else {
        Ok(BTreeMap::new())
    };
    let (mut held_by, not_held) = match found {
        Ok(held_by) => (held_by, None),
        Err(limitation) => (BTreeMap::new(), Some(limitation)),
    };
    let Capture {
        sites,
        tracer_frames,
        taken_pages,
        mut losses,
        program_time,
    } = tracer.finish()?;
    let settled = scan.settle(losses.recursion_misses.free);
    let survivors = settled.survivors;
    let missed_frees = unverified.is_none().then_some(settled.missed_free_pages);
    losses.missed_frees_at_end_pages = missed_frees;
    losses.unknown_reference_pages = settled.unknown_reference_pages;
    let limitations = plan.limitations.into_iter().chain(unverified);
    let limitations = limitations.chain(bulk).chain(not_held);
    let mut records = analysis::records(&survivors, sites.ids(), |id| sites.record(id))?;
    for (id, record) in &mut records {
        record.held_by = held_by.remove(id).unwrap_or_default();
    }
    Ok(Recorded {
        records,
        // Without tracefs they have no names.
        gfp_flags: bpf::gfp_flags().unwrap_or_default(),
        cgroup_paths,
        survivors,
        tracer_frames,
        taken_pages,
        cost: Cost {
            process_cpu_seconds: after.cpu_time_since(&before),
            programs: program_time,
        },
        losses,
        limitations: limitations.collect(),
        meminfo: after.meminfo_since(before),
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
fn vmlinux(args: &TraceArgs, host: &Host) -> Result<Option<Vmlinux>> {
    let build_id = host::build_id();
    match &args.symbols.vmlinux {
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
