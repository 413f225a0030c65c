//! One trace from start to end: prepare, watch, analyse, write.

mod command;
mod destination;
mod filters;
mod interruption;
mod outputs;
mod pages;
pub mod plan;
mod watch;

use std::{io::Write as _, process::ExitCode, time::Instant};

use anyhow::Result;

use self::{
    command::RunningCommand,
    interruption::Interruption,
    outputs::Outputs,
    pages::LivePages,
    plan::{Plan, Request},
    watch::Clock,
};
use crate::{
    analysis::{self, Recorded},
    bpf::{Capture, Tracer},
    cli::TraceArgs,
    kernel::host,
    model::{Feature, Host, KindChoice, Selection},
    render::{self, Progress},
    symbols::{KernelSymbols, Vmlinux},
};

/// Traces as the options say, and writes the report; the exit code is that of the traced command, if
/// there is one and it has ended.
pub fn run(args: &TraceArgs) -> Result<ExitCode> {
    log_to_stderr(args.verbose);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(trace(args))
}

async fn trace(args: &TraceArgs) -> Result<ExitCode> {
    let start = Instant::now();
    let outputs = Outputs::open(args)?;
    let host = host::running()?;
    let vmlinux = vmlinux(args, &host)?;
    // Whoever sees that the trace has begun can end it and get a report.
    let interruption = Interruption::listen()?;
    let plan = plan::plan(&request(args))?;
    let tracer = attach(&plan)?;
    let clock = Clock::start(args.window());
    remark(
        args,
        format!("slot table {} bytes", tracer.slot_table_bytes()),
    );
    remark(args, format!("attached {} after start", seconds(start)));
    let mut command = RunningCommand::start(&args.cmd)?;
    let progress = Progress::new(args.window().end, host.page_size);
    let watched = watch::watch(tracer, clock, args, interruption, &mut command, &progress).await?;
    let ended = watched.ended;
    let recorded = recorded(watched.tracer, plan)?;
    let symbols = KernelSymbols::new(host::kallsyms()?, vmlinux.as_ref());
    let selection = selection(args);
    outputs.write(&analysis::report(
        host,
        &watched.measured,
        recorded,
        |addresses| symbols.frames(addresses),
        &selection,
    ))?;
    remark(
        args,
        format!(
            "report written {} after the end of the window",
            seconds(ended)
        ),
    );
    Ok(command.exit_code())
}

fn attach(plan: &Plan) -> Result<Tracer> {
    for limitation in &plan.limitations {
        render::say(&limitation.to_string());
    }
    Tracer::attach(&plan.settings)
}

/// Looks at every page that is still out, then ends the trace.
fn recorded(tracer: Tracer, plan: Plan) -> Result<Recorded> {
    let pages = LivePages::new(tracer.sites(), plan.settings.page_array);
    let scan = analysis::scan(tracer.slots(), &pages);
    let unverified = pages.unverified().or_else(|| {
        let some = "the kernel does not tell what some page frames are";
        let limitation = || Feature::PageVerification.degraded(some);
        scan.is_unverified().then(limitation)
    });
    let bulk = tracer.bulk_limitation().cloned();
    let Capture {
        sites,
        taken_pages,
        mut losses,
    } = tracer.finish()?;
    let (survivors, phantoms) = scan.settle(losses.recursion_misses_by_program.free);
    losses.phantom_pages = unverified.is_none().then_some(phantoms);
    let limitations = plan.limitations.into_iter().chain(unverified).chain(bulk);
    Ok(Recorded {
        records: analysis::records(&survivors, sites.ids(), |id| sites.record(id))?,
        survivors,
        taken_pages,
        losses,
        limitations: limitations.collect(),
    })
}

fn request(args: &TraceArgs) -> Request {
    Request {
        filters: args.filters.clone(),
        max_sites: args.max_sites,
        hook: args.hook,
        check_every: args.check_every(),
        verbose: args.verbose,
    }
}

fn selection(args: &TraceArgs) -> Selection {
    Selection {
        sort: args.sort,
        min_age: args.min_age,
        kinds: KindChoice::kinds(&args.kind),
        module: args.module.clone(),
    }
}

/// The image the user names, which must be the running kernel's, or an installed one.
fn vmlinux(args: &TraceArgs, host: &Host) -> Result<Option<Vmlinux>> {
    let build_id = host::build_id();
    match &args.vmlinux {
        Some(path) => Vmlinux::open(path, build_id.as_ref()).map(Some),
        None => Ok(Vmlinux::installed(&host.kernel, build_id.as_ref())),
    }
}

fn log_to_stderr(verbose: bool) {
    let level = if verbose {
        log::LevelFilter::Info
    } else {
        log::LevelFilter::Warn
    };
    let mut logger = env_logger::Builder::new();
    logger
        .filter_level(level)
        .format(|out, record| writeln!(out, "pagetrace: {}", record.args()));
    // A second call, as from a test, finds a logger in place.
    let _ = logger.try_init();
}

fn remark(args: &TraceArgs, sentence: String) {
    if args.verbose {
        render::say(&sentence);
    }
}

fn seconds(since: Instant) -> String {
    format!("{:.3} s", since.elapsed().as_secs_f64())
}
