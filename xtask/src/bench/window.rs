//! pagetrace over a window, watched from outside.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use tempfile::TempDir;

use super::report::Report;

/// What one run took.
pub(super) struct Window {
    /// Seconds from the start to the first recorded page.
    pub(super) attached: f64,
    /// Seconds from the end of the window to the end of the process.
    pub(super) reported: f64,
    /// Most memory the process ever held, in megabytes, with the slot table.
    pub(super) peak: f64,
    /// Hundredths of one CPU that the process took in the window.
    pub(super) cpu_percent: f64,
}

impl Window {
    /// Runs `program` over that many windows of so many seconds, one after the other.
    pub(super) fn measure_all(runs: u32, seconds: u32, program: &Path) -> Result<Vec<Self>> {
        eprintln!("windows: {runs} of {seconds} s");
        (0..runs).map(|_| Self::measure(seconds, program)).collect()
    }

    fn measure(seconds: u32, program: &Path) -> Result<Self> {
        let folder = TempDir::new().context("cannot make a temporary folder")?;
        let json = folder.path().join("report.json");
        let mut command = Command::new(program);
        command
            .args(["-i", &seconds.to_string(), "--json"])
            .arg(&json)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let started = Timestamp::now();
        let child = command.spawn().context("cannot start pagetrace")?;
        let (status, peak) = wait(child).context("cannot wait for pagetrace")?;
        let ended = Timestamp::now();
        ensure!(status.success(), "pagetrace failed: {status}");
        let report = Report::read(&json)?;
        let began = report.began()?;
        Ok(Self {
            attached: began.duration_since(started).as_secs_f64(),
            reported: ended.duration_since(began).as_secs_f64() - report.seconds()?,
            peak: peak as f64 / 1e6,
            cpu_percent: report.cpu_percent()?,
        })
    }
}

/// Waits for `child`; returns how it ended and the most bytes it ever held.
///
/// The kernel counts from before `exec`, so this is at least what the bench
/// itself holds: a few megabytes.
fn wait(child: Child) -> io::Result<(ExitStatus, u64)> {
    let mut status = 0;
    // SAFETY: every field is a number, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live variables of the types asked for.
    if unsafe { libc::wait4(child.id().cast_signed(), &mut status, 0, &mut usage) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((
        ExitStatus::from_raw(status),
        usage.ru_maxrss.unsigned_abs() * 1024,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_weighed_as_it_ends() {
        let child = Command::new("true").spawn().expect("started");
        let (status, peak) = wait(child).expect("waited");
        assert!(status.success() && peak > 0, "{status}, {peak} bytes");
    }
}
