//! pagetrace while it waits and there is nothing to do.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::param::clock_ticks_per_second;
use tempfile::TempDir;

use super::programs::Programs;
use super::reading::Reading;
use super::variant::{PAGETRACE, Variant};

/// What waiting took.
pub(super) struct Idle {
    /// User time in hundredths of one CPU.
    pub(super) user: f64,
    /// System time, likewise.
    pub(super) system: f64,
    /// Megabytes of kernel memory that all maps take.
    pub(super) maps: f64,
}

impl Idle {
    /// Has pagetrace wait for that many seconds.
    pub(super) fn measure(seconds: u32, programs: &Programs) -> Result<Self> {
        eprintln!("waiting: {seconds} s");
        let folder = TempDir::new().context("cannot make a temporary folder")?;
        let pagetrace = Variant::own(PAGETRACE).context("pagetrace is a variant")?;
        let attached = pagetrace.start(&programs.pagetrace, &folder.path().join("report"))?;
        let attached = attached.context("pagetrace is a tracer")?;
        let maps = Reading::take(programs, attached.id(), None)?.map_bytes;
        let (before, begin) = (Ticks::of(attached.id())?, Instant::now());
        thread::sleep(Duration::from_secs(seconds.into()));
        let (after, elapsed) = (Ticks::of(attached.id())?, begin.elapsed());
        attached.stop()?;
        let percent = |ticks: u64| {
            ticks as f64 / clock_ticks_per_second() as f64 / elapsed.as_secs_f64() * 100.0
        };
        Ok(Self {
            user: percent(after.user - before.user),
            system: percent(after.system - before.system),
            maps: maps as f64 / 1e6,
        })
    }
}

/// CPU time of a process.
#[derive(Debug, PartialEq, Eq)]
struct Ticks {
    user: u64,
    system: u64,
}

impl Ticks {
    fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        Self::parse(&stat).with_context(|| format!("{path} has no CPU times: {stat}"))
    }

    /// Fields 14 and 15; the second, in parentheses, can have any character in it.
    fn parse(stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ').skip(11);
        let mut next = || fields.next()?.parse().ok();
        Some(Self {
            user: next()?,
            system: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_times_are_found_behind_any_name() {
        let stat = "12005 (a) S b) S 12004 12004 10543 0 -1 4194560 10422 0 0 0 7 20 0 0 20 0 1";
        let ticks = Ticks {
            user: 7,
            system: 20,
        };
        assert_eq!(Ticks::parse(stat), Some(ticks));
        assert_eq!(Ticks::parse("12005 (a) S 1"), None);
    }
}
