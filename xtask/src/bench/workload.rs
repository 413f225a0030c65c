//! The workloads, which take and give back many pages.

use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};
use serde::{Serialize, Serializer};

use crate::command;

/// One of the workloads of the helper program.
#[derive(Debug, Serialize)]
pub(super) struct Workload {
    /// As the program knows it.
    pub(super) name: &'static str,
    /// What one operation is.
    pub(super) operation: &'static str,
    /// How many take some tenths of a second where nobody traces.
    operations: u32,
}

/// All workloads.
pub(super) const WORKLOADS: [Workload; 6] = [
    PAGE_FAULTS,
    Workload {
        name: "unix-dgrams",
        operation: "a datagram of 32 KiB sent and received between two UNIX sockets",
        operations: 50_000,
    },
    PIPES,
    Workload {
        name: "tcp",
        operation: "256 KiB written to a TCP connection on loopback and read from it",
        operations: 15_000,
    },
    Workload {
        name: "fork-exec",
        operation: "a process started that runs true(1), and waited for",
        operations: 400,
    },
    Workload {
        name: "tar",
        operation: "512 files of 16 KiB, in the page cache, packed by tar(1) into a pipe to cat(1)",
        operations: 20,
    },
];

/// Hardly anything but movable pages, which are not recorded.
pub(super) const PAGE_FAULTS: Workload = Workload {
    name: "page-faults",
    operation: "a page of anonymous memory touched for the first time; unmapped by the thousand",
    operations: 150_000,
};

/// Hardly anything but pages that are recorded, from one place.
pub(super) const PIPES: Workload = Workload {
    name: "pipes",
    operation: "a pipe opened, filled with 16 pages at once and closed",
    operations: 25_000,
};

/// A workload on some CPUs.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Load {
    #[serde(serialize_with = "name_of")]
    pub(super) workload: &'static Workload,
    pub(super) threads: usize,
}

fn name_of<S: Serializer>(workload: &&Workload, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(workload.name)
}

/// Each workload on one CPU and on all.
pub(super) fn loads() -> Vec<Load> {
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let mut widths = vec![1, cpus];
    widths.dedup();
    let of = |threads| move |workload| Load { workload, threads };
    let loads = widths
        .into_iter()
        .flat_map(|threads| WORKLOADS.iter().map(of(threads)));
    loads.collect()
}

impl Load {
    /// The command that is this load.
    pub(super) fn command(&self, workload: &Path) -> Command {
        let mut command = Command::new(workload);
        command
            .arg(self.workload.name)
            .args(["--operations", &self.workload.operations.to_string()])
            .args(["--threads", &self.threads.to_string()]);
        command
    }

    /// Runs it; returns the nanoseconds of one operation.
    pub(super) fn run(&self, workload: &Path) -> Result<f64> {
        let said = command::output(&mut self.command(workload))?;
        let number = said.split(' ').next().and_then(|it| it.parse().ok());
        number.with_context(|| format!("workload {} said `{said}`", self.workload.name))
    }

    /// The workload, and on how many CPUs it runs.
    pub(super) fn name(&self) -> String {
        match self.threads {
            1 => self.workload.name.to_owned(),
            threads => format!("{}, {threads} CPUs", self.workload.name),
        }
    }
}
