//! One reading of the kernel's BPF statistics.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use aya::{
    maps::MapInfo,
    sys::{Stats, enable_stats},
};

use super::{descriptors::Held, programs, unwound};
use crate::readings::Reading;

/// Runs `command` and watches the programs of the process `pid` meanwhile.
///
/// The kernel's statistics are on as long as a descriptor is open: they go off even if
/// this process is killed.
pub fn take(pid: u32, command: &[String]) -> Result<Reading> {
    let held = Held::by(pid).with_context(|| format!("cannot look at process {pid}"))?;
    let _on = enable_stats(Stats::RunTime).context("cannot switch on BPF statistics")?;
    let (programs, unwound) = (programs::now(&held), unwound::now(&held)?);
    let begin = Instant::now();
    run(command)?;
    let seconds = begin.elapsed().as_secs_f64();
    let after = unwound::now(&held)?;
    Ok(Reading {
        maps: maps(&held)?,
        seconds,
        programs: programs::since(&programs, programs::now(&held)),
        unwound: after.zip(unwound).map(|(after, before)| after - before),
    })
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

fn maps(held: &Held) -> Result<BTreeMap<String, u64>> {
    let mut maps = BTreeMap::new();
    for (id, bytes) in &held.maps {
        let info = MapInfo::from_id(*id)?;
        let name = info.name_as_str().unwrap_or_default().to_owned();
        *maps.entry(name).or_default() += bytes;
    }
    Ok(maps)
}
