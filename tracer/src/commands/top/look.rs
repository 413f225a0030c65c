//! One look at the running machine.

use std::{cmp::Reverse, collections::BTreeSet, time::Duration};

use anyhow::Result;
use jiff::Timestamp;

use crate::{
    analysis,
    kernel::host::{
        self,
        processes::{Detail, processes},
    },
    model::{Balance, Look, LookSchema, LookSource, Process, Report, Threshold},
};

/// So many processes are kept beside those that hold pages: the largest.
const PROCESSES: usize = 200;

/// Sizes only, of which all are there at once.
const DETAIL: Detail = Detail {
    pss_time: Duration::ZERO,
    pss_of: 0,
    mappings_of: 0,
    mappings_time: Duration::ZERO,
};

/// What is known at the moment of a report, beside it.
pub(super) fn with(report: Report, source: LookSource) -> Look {
    let processes = processes(DETAIL).ok();
    let processes = processes.map(|(it, _)| kept(it.processes, &report));
    Look {
        schema: LookSchema::V1,
        taken_at: Timestamp::now(),
        source,
        report,
        balance: balance().ok(),
        processes,
    }
}

fn balance() -> Result<Balance> {
    let (counters, _) = host::memory_counters()?;
    analysis::balance(&counters, Threshold::Usual)
}

/// The largest, and those that hold pages of the report.
pub(super) fn kept(mut processes: Vec<Process>, report: &Report) -> Vec<Process> {
    let held = report.sites.iter().flat_map(|it| &it.held_by);
    let holders: BTreeSet<_> = held.flat_map(|it| it.pids()).collect();
    processes.sort_by_key(|it| Reverse(it.kept_bytes()));
    let mut place = 0;
    processes.retain(|it| {
        place += 1;
        place <= PROCESSES || holders.contains(&it.pid)
    });
    processes
}
