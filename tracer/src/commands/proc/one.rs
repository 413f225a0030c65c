//! One process in detail.

use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use jiff::Timestamp;

use super::{peek, watch};
use crate::{
    analysis::processes::{grown_mappings, largest_growth},
    cli::ProcArgs,
    commands::take,
    kernel::host::{self, processes},
    model::{
        Feature, Limitation, Mapping, MappingGrowth, Process, ProcessReport, ProcessSchema,
        Snapshot, Tool,
    },
};

/// The process as the options say.
pub(super) fn report(pid: u32, args: &ProcArgs) -> Result<ProcessReport> {
    if let Some(from) = &args.from {
        return saved(pid, take::saved(from)?);
    }
    let start = Instant::now();
    let before = args.interval.map(|interval| {
        let before = read(pid)?;
        watch::wait(interval, args.verbose, || Ok(()))?;
        anyhow::Ok(before)
    });
    let before = before.transpose()?;
    let watched = before.is_some().then(|| start.elapsed().into());
    let now = read(pid).map_err(|error| match before {
        Some(_) => anyhow!("process {pid} ended while it was watched"),
        None => error,
    })?;
    let is_same = before
        .as_ref()
        .is_none_or(|it| it.process.identity() == now.process.identity());
    ensure!(is_same, "process {pid} ended, and another has its pid");
    let mut report = compared(now, before)?;
    report.interval_seconds = watched;
    if args.peek {
        if let Some(limitation) = report.limitations.first() {
            return Err(limitation.clone().into());
        }
        report.peek = Some(peek::peek(&report.process, &report.mappings, args.raw)?);
    }
    Ok(report)
}

/// A process at one moment.
struct Moment {
    process: Process,
    mappings: Option<Vec<Mapping>>,
    limitations: Vec<Limitation>,
}

/// What can be read of it; an error only if it is not there.
fn read(pid: u32) -> Result<Moment> {
    let Some(mut process) = processes::process(pid) else {
        match processes::process_ids()?.contains(&pid) {
            true => bail!("{pid} is a thread of the kernel, which has no memory of its own"),
            false => bail!("there is no process {pid}"),
        }
    };
    let mut limitations = Vec::new();
    let mappings = processes::mappings(&process);
    let mappings = mappings.map_err(|error| limitations.push(no_mappings(pid, &error)));
    let mappings = mappings.ok();
    let pss = |it: &Vec<Mapping>| {
        it.iter()
            .map(|it| it.pss_bytes)
            .fold(0, u64::saturating_add)
    };
    process.pss_bytes = mappings.as_ref().map(pss);
    Ok(Moment {
        process,
        mappings,
        limitations,
    })
}

fn no_mappings(pid: u32, error: &std::io::Error) -> Limitation {
    let reason = format!("cannot read /proc/{pid}/smaps: {error}");
    Feature::ProcessMappings
        .degraded(reason)
        .remedied("run it as root")
}

fn compared(now: Moment, before: Option<Moment>) -> Result<ProcessReport> {
    let earlier = before.as_ref().and_then(|it| it.mappings.as_deref());
    let mappings = now.mappings.as_deref().unwrap_or_default();
    let process = std::slice::from_ref(&now.process);
    let growth = before.as_ref().and_then(|it| {
        let (now, before) = (now.process.kept_bytes()?, it.process.kept_bytes()?);
        Some(i64::try_from(i128::from(now) - i128::from(before)).unwrap_or(i64::MAX))
    });
    let mappings = grown_mappings(mappings, earlier);
    Ok(ProcessReport {
        schema: ProcessSchema::V1,
        tool: Tool::own(),
        host: host::running()?,
        taken_at: Timestamp::now(),
        interval_seconds: None,
        growth_bytes: growth,
        cgroup: processes::memory_cgroups(process).into_iter().next(),
        grown_mapping: largest_growth(&mappings),
        mappings,
        peek: None,
        limitations: now.limitations,
        process: now.process,
    })
}

fn saved(pid: u32, snapshot: Snapshot) -> Result<ProcessReport> {
    let processes = snapshot.processes.unwrap_or_default();
    let mut all = processes.processes.into_iter();
    let process = all.find(|process| process.pid == pid);
    let mut process = process.with_context(|| format!("the snapshot has no process {pid}"))?;
    let mappings = process.mappings.take();
    let missing = mappings.is_none().then(|| {
        let reason = "a snapshot keeps those of the processes with most anonymous memory";
        Feature::ProcessMappings.degraded(reason)
    });
    let mut cgroups = processes.cgroups.into_iter();
    let mappings: Vec<MappingGrowth> = grown_mappings(&mappings.unwrap_or_default(), None);
    Ok(ProcessReport {
        schema: ProcessSchema::V1,
        tool: snapshot.tool,
        host: snapshot.host,
        taken_at: snapshot.taken_at,
        interval_seconds: None,
        growth_bytes: None,
        cgroup: cgroups.find(|it| Some(&it.path) == process.cgroup.as_ref()),
        mappings,
        grown_mapping: None,
        peek: None,
        limitations: missing.into_iter().collect(),
        process,
    })
}
