//! One trace from start to end: prepare, watch, analyse, write.

mod command;
mod interruption;
mod outputs;
mod watch;

use std::{io::Write as _, process::ExitCode, time::Instant};

use anyhow::Result;

use self::{command::RunningCommand, interruption::Interruption, outputs::Outputs, watch::Watched};
use crate::{
    analysis::{self, Recorded, Report, Selection},
    capture::Tracer,
    cli::TraceArgs,
    kernel::host::{self, Host},
    preflight::{self, Wishes},
    present::{self, Progress},
    symbols::{KernelSymbols, Vmlinux},
};

/// Traces as the options say, and writes the report.
pub fn run(args: &TraceArgs) -> Result<ExitCode> {
    log_to_stderr(args.verbose);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(trace(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn trace(args: &TraceArgs) -> Result<()> {
    let start = Instant::now();
    let outputs = Outputs::open(args)?;
    let host = Host::running()?;
    let vmlinux = vmlinux(args, &host)?;
    // Whoever sees that the trace has begun can end it and get a report.
    let interruption = Interruption::listen()?;
    let tracer = attach(args)?;
    remark(
        args,
        format!("slot table {} bytes", tracer.slot_table_bytes()),
    );
    remark(args, format!("attached {} after start", seconds(start)));
    let command = RunningCommand::start(&args.cmd)?;
    let progress = Progress::new(args.window().end, host.page_size);
    let watched = watch::watch(tracer, args, interruption, command, &progress).await?;
    let ended = watched.ended;
    outputs.write(&report(args, host, watched, vmlinux.as_ref())?)?;
    remark(
        args,
        format!(
            "report written {} after the end of the window",
            seconds(ended)
        ),
    );
    Ok(())
}

fn attach(args: &TraceArgs) -> Result<Tracer> {
    let plan = preflight::plan(wishes(args))?;
    if let Some(reason) = plan.fallen_back {
        present::say(&format!(
            "using classic tracepoints, which can lose frees: {reason}"
        ));
    }
    preflight::symbols().unwrap_or_else(|error| present::say(&present::sentence(&error)));
    Tracer::attach(&plan.settings)
}

fn report(
    args: &TraceArgs,
    host: Host,
    watched: Watched,
    vmlinux: Option<&Vmlinux>,
) -> Result<Report> {
    let Watched {
        capture, measured, ..
    } = watched;
    let survivors = analysis::survivors(&capture.slots);
    let groups = analysis::group(&survivors, capture.sites.ids(), |id| {
        capture.sites.record(id)
    })?;
    let symbols = KernelSymbols::new(host::kallsyms()?, vmlinux);
    let selection = Selection {
        sort: args.sort,
        min_age: args.min_age,
    };
    let recorded = Recorded {
        groups,
        taken_pages: capture.taken_pages,
        losses: capture.losses,
    };
    Ok(analysis::report(
        host, &measured, recorded, &symbols, selection,
    ))
}

fn wishes(args: &TraceArgs) -> Wishes {
    Wishes {
        scope: args.scope,
        max_sites: args.max_sites,
        hook: args.hook,
        verbose: args.verbose,
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
        present::say(&sentence);
    }
}

fn seconds(since: Instant) -> String {
    format!("{:.3} s", since.elapsed().as_secs_f64())
}
