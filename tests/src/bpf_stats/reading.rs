//! One reading of the kernel's BPF statistics.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use aya::sys::{Stats, enable_stats};
use serde::Serialize;

use super::{
    descriptors::Held,
    programs::{self, Programs},
    templates::{self, Unwound},
};

/// What the BPF programs of a process did while a command ran.
#[derive(Debug, Serialize)]
pub struct Reading {
    /// Bytes that its maps take.
    pub map_bytes: u64,
    /// How long the command ran.
    pub seconds: f64,
    /// Those programs that ran.
    pub programs: Programs,
    /// How pagetrace unwound stacks; none if the process is another.
    pub templates: Option<Unwound>,
}

impl Reading {
    /// Runs `command` and watches the programs of the process `pid` meanwhile.
    ///
    /// The kernel's statistics are on as long as a descriptor is open: they go off
    /// even if this process is killed.
    pub fn take(pid: u32, command: &[String]) -> Result<Self> {
        let held = Held::by(pid).with_context(|| format!("cannot look at process {pid}"))?;
        let _on = enable_stats(Stats::RunTime).context("cannot switch on BPF statistics")?;
        let (programs, unwound) = (programs::now(&held), templates::now(&held)?);
        let begin = Instant::now();
        run(command)?;
        let seconds = begin.elapsed().as_secs_f64();
        let after = templates::now(&held)?;
        Ok(Self {
            map_bytes: held.maps.values().sum(),
            seconds,
            programs: programs::since(&programs, programs::now(&held)),
            templates: after.zip(unwound).map(|(after, before)| after - before),
        })
    }
}

fn run(command: &[String]) -> Result<()> {
    let [program, arguments @ ..] = command else {
        return Ok(());
    };
    let mut command = Command::new(program);
    let status = command.args(arguments).stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot run {program}"))?;
    ensure!(status.success(), "{program} failed: {status}");
    Ok(())
}
