//! The storms: loads that take and give back many pages.

use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};
use serde::{Serialize, Serializer};

use crate::command;

/// One of the workloads of the helper program.
#[derive(Debug, Serialize)]
pub(super) struct Storm {
    /// As the program knows it.
    pub(super) name: &'static str,
    /// What one operation is.
    pub(super) operation: &'static str,
    /// How many take some tenths of a second where nobody traces.
    operations: u32,
}

/// All storms.
pub(super) const STORMS: [Storm; 6] = [
    PAGE_FAULTS,
    Storm {
        name: "unix-dgrams",
        operation: "a datagram of 32 KiB sent and received between two UNIX sockets",
        operations: 50_000,
    },
    PIPES,
    Storm {
        name: "tcp",
        operation: "256 KiB written to a TCP connection on loopback and read from it",
        operations: 15_000,
    },
    Storm {
        name: "fork-exec",
        operation: "a process started that runs true(1), and waited for",
        operations: 400,
    },
    Storm {
        name: "tar",
        operation: "512 files of 16 KiB, in the page cache, packed by tar(1) into a pipe to cat(1)",
        operations: 20,
    },
];

/// Hardly anything but movable pages, which are not recorded.
pub(super) const PAGE_FAULTS: Storm = Storm {
    name: "page-faults",
    operation: "a page of anonymous memory touched for the first time; unmapped by the thousand",
    operations: 150_000,
};

/// Hardly anything but pages that are recorded, from one place.
pub(super) const PIPES: Storm = Storm {
    name: "pipes",
    operation: "a pipe opened, filled with 16 pages at once and closed",
    operations: 25_000,
};

/// A storm on some CPUs.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Load {
    #[serde(serialize_with = "name_of")]
    pub(super) storm: &'static Storm,
    pub(super) threads: usize,
}

fn name_of<S: Serializer>(storm: &&Storm, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(storm.name)
}

/// Each storm on one CPU and on all.
pub(super) fn loads() -> Vec<Load> {
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let mut widths = vec![1, cpus];
    widths.dedup();
    let of = |threads| move |storm| Load { storm, threads };
    let loads = widths
        .into_iter()
        .flat_map(|threads| STORMS.iter().map(of(threads)));
    loads.collect()
}

impl Load {
    /// The command that is this load.
    pub(super) fn command(&self, workload: &Path) -> Command {
        let mut command = Command::new(workload);
        command
            .arg(self.storm.name)
            .args(["--operations", &self.storm.operations.to_string()])
            .args(["--threads", &self.threads.to_string()]);
        command
    }

    /// Runs it; returns the nanoseconds of one operation.
    pub(super) fn run(&self, workload: &Path) -> Result<f64> {
        let said = command::output(&mut self.command(workload))?;
        let number = said.split(' ').next().and_then(|it| it.parse().ok());
        number.with_context(|| format!("workload {} said `{said}`", self.storm.name))
    }

    /// The storm, and on how many CPUs it blows.
    pub(super) fn name(&self) -> String {
        match self.threads {
            1 => self.storm.name.to_owned(),
            threads => format!("{}, {threads} CPUs", self.storm.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_storm_blows_on_one_cpu_at_least() {
        let loads = loads();
        for storm in &STORMS {
            let of = |load: &&Load| load.storm.name == storm.name && load.threads == 1;
            assert_eq!(loads.iter().filter(of).count(), 1, "{}", storm.name);
        }
    }
}
