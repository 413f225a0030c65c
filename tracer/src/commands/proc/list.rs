//! All processes, ranked.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::watch;
use crate::{
    analysis::processes::{Watch, rank},
    cli::ProcArgs,
    commands::take,
    kernel::host::{self, processes::Detail},
    model::{Host, Limitation, ProcReport, ProcSchema, Processes, Seconds, Snapshot, Tool},
};

/// The processes as the options say.
pub(super) fn report(args: &ProcArgs) -> Result<ProcReport> {
    if let Some(from) = &args.from {
        return saved(args, take::saved(from)?);
    }
    let detail = detail(args);
    let start = Instant::now();
    let watch = args.interval;
    let watch = watch.map(|interval| watch::watch(detail, interval, args.verbose));
    let watch = watch.transpose()?;
    let watched = watch.is_some().then(|| start.elapsed().into());
    let (processes, limitations) = host::processes::processes(detail)?;
    let watch = watch.map(|watch| watch.end(&processes));
    let header = Header {
        tool: Tool::own(),
        host: host::running()?,
        taken_at: Timestamp::now(),
        limitations,
    };
    Ok(ranked(args, header, processes, watch.as_ref(), watched))
}

/// What to read beside the sizes of all. With growth, the mappings of the largest are compared.
fn detail(args: &ProcArgs) -> Detail {
    Detail {
        pss_time: Duration::from_millis(500),
        pss_of: args.top,
        mappings_of: if args.interval.is_some() { 50 } else { 0 },
        mappings_time: Duration::from_millis(500),
    }
}

fn saved(args: &ProcArgs, snapshot: Snapshot) -> Result<ProcReport> {
    let processes = snapshot.processes;
    let processes = processes.context("the snapshot has no processes: they could not be read")?;
    let header = Header {
        tool: snapshot.tool,
        host: snapshot.host,
        taken_at: snapshot.taken_at,
        limitations: Vec::new(),
    };
    Ok(ranked(args, header, processes, None, None))
}

/// Where and when.
struct Header {
    tool: Tool,
    host: Host,
    taken_at: Timestamp,
    limitations: Vec<Limitation>,
}

fn ranked(
    args: &ProcArgs,
    header: Header,
    processes: Processes,
    watch: Option<&Watch>,
    interval_seconds: Option<Seconds>,
) -> ProcReport {
    ProcReport {
        schema: ProcSchema::V1,
        tool: header.tool,
        host: header.host,
        taken_at: header.taken_at,
        interval_seconds,
        sort: args.sort(),
        entries: rank(&processes, watch, args.sort()),
        cgroups: processes.cgroups,
        kernel_threads: processes.kernel_threads,
        unread: processes.unread,
        limitations: header.limitations,
    }
}
