//! The time between both looks: page frames are traced, and processes watched.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};

use crate::{
    analysis::processes::rank,
    cli::DoctorArgs,
    commands::{
        live,
        proc::{watch, watching::Watching},
        trace,
    },
    kernel::host,
    model::{Feature, Limitation, ProcessEntry, ProcessSort, Processes, Report, Seconds, Snapshot},
    render,
};

/// How often processes are looked at: what lives shorter is missed.
const POLL: Duration = Duration::from_millis(200);

/// What was seen in the window.
pub(super) struct Watched {
    pub(super) trace: Option<Report>,
    pub(super) seconds: Seconds,
    pub(super) limitations: Vec<Limitation>,
    processes: Option<Watching>,
}

/// Watches until the time is over, or until a signal says that it is enough.
pub(super) fn watch(args: &DoctorArgs, before: &Snapshot) -> Result<Watched> {
    let started = Instant::now();
    let watching = before.processes.clone().map(Watching::new);
    let (stop, stopped) = channel();
    let (trace, processes) = thread::scope(|scope| {
        let polling = scope.spawn(move || watching.map(|it| poll(it, &stopped)).transpose());
        let trace = traced(args, started);
        drop(stop);
        let processes = polling.join();
        let processes = processes.unwrap_or_else(|_| Err(anyhow!("the watch of processes ended")));
        (trace, processes)
    });
    let (trace, limitation) = trace?;
    if trace.is_some() {
        let_tables_go(before);
    }
    let mut limitations: Vec<_> = limitation.into_iter().collect();
    let processes = processes.unwrap_or_else(|error| {
        limitations.push(Feature::Processes.degraded(format!("{error:#}")));
        None
    });
    Ok(Watched {
        trace,
        seconds: started.elapsed().into(),
        limitations,
        processes,
    })
}

/// Traces, or lets the time pass where a service records already, or where tracing cannot be done.
fn traced(args: &DoctorArgs, started: Instant) -> Result<(Option<Report>, Option<Limitation>)> {
    let socket = &args.service.socket;
    if let Some(service) = live::recorder_of_all(socket) {
        let since = service.started;
        render::say(&format!(
            "a service records since {since:.0}: no trace of its own is begun"
        ));
        say_that_it_watches(args);
        let left = args.interval.saturating_sub(started.elapsed());
        watch::wait(left, false, || Ok(()))?;
        return Ok((Some(live::report(socket, Some(started.elapsed()))?), None));
    }
    let tracing = args.trace()?;
    let recording = trace::prepare(&tracing)
        .and_then(|()| trace::record(&tracing, || say_that_it_watches(args)));
    match recording {
        Ok(recording) => Ok((Some(recording.report), None)),
        Err(error) => {
            say_that_it_watches(args);
            let left = args.interval.saturating_sub(started.elapsed());
            watch::wait(left, false, || Ok(()))?;
            let reason = format!("who takes page frames was not recorded: {error:#}");
            Ok((None, Some(Feature::Tracing.degraded(reason))))
        }
    }
}

fn say_that_it_watches(args: &DoctorArgs) {
    let seconds = args.interval.as_secs();
    render::say(&format!(
        "looked; watching for {seconds} s what grows; Ctrl-C ends it early"
    ));
}

/// The kernel frees the tables of the trace a moment later, from a work queue (`bpf_map_free_deferred`,
/// kernel/bpf/syscall.c): what they have must not be taken for growth of vmalloc.
fn let_tables_go(before: &Snapshot) {
    const SPARE: u64 = 4 << 20;
    const LONGEST: Duration = Duration::from_secs(2);
    let Some(&used) = before.memory.meminfo.get("VmallocUsed") else {
        return;
    };
    let started = Instant::now();
    let are_there = || host::meminfo_bytes("VmallocUsed").is_ok_and(|it| it > used + SPARE);
    while are_there() && started.elapsed() < LONGEST {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Looks at processes until nobody waits for it any more.
fn poll(mut watching: Watching, stopped: &Receiver<()>) -> Result<Watching> {
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(POLL) {
        watching.look().context("cannot watch processes")?;
    }
    Ok(watching)
}

impl Watched {
    /// The processes as they are at the end, ranked by how much they grew.
    pub(super) fn processes(&mut self, after: &Snapshot) -> Vec<ProcessEntry> {
        match (self.processes.take(), &after.processes) {
            (Some(watching), Some(now)) => grown(watching, now),
            _ => Vec::new(),
        }
    }
}

/// The processes that changed while they were watched, those first that grew most.
pub(in super::super) fn grown(watching: Watching, now: &Processes) -> Vec<ProcessEntry> {
    let mut entries = rank(now, Some(&watching.end(now)), ProcessSort::Growth);
    let has_changed = |it: &ProcessEntry| {
        it.replaced.is_some() || it.growth_bytes.is_some_and(|bytes| bytes != 0)
    };
    entries.retain(has_changed);
    entries
}
