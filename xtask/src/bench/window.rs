//! One run of pagetrace over a short window, watched from outside.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, ensure};

/// What pagetrace is told.
const ARGUMENTS: [&str; 3] = ["-i", "2", "-v"];

/// What one run took.
pub(super) struct Window {
    /// Seconds from the start to the first recorded page.
    pub(super) attached: f64,
    /// Seconds from the end of the window to the last byte of the report.
    pub(super) reported: f64,
    /// Most memory the process ever held, in megabytes, with the slot table.
    pub(super) peak: f64,
    /// Size of the slot table in megabytes.
    pub(super) table: f64,
}

impl Window {
    /// Runs `program` over that many windows, one after the other.
    pub(super) fn measure_all(runs: u32, program: &Path) -> Result<Vec<Self>> {
        eprintln!("windows: {runs} of `pagetrace {}`", ARGUMENTS.join(" "));
        (0..runs).map(|_| Self::measure(program)).collect()
    }

    /// Runs `program` over one window.
    fn measure(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(ARGUMENTS)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start pagetrace")?;
        let remarks = read_to_end(child.stderr.take()).context("cannot read pagetrace's stderr")?;
        let (status, peak) = wait(child).context("cannot wait for pagetrace")?;
        ensure!(
            status.success(),
            "pagetrace failed ({status}): {}",
            remarks.trim_end()
        );
        Ok(Self {
            attached: number_after(&remarks, "pagetrace: attached ")?,
            reported: number_after(&remarks, "pagetrace: report written ")?,
            peak: megabytes(peak as f64),
            table: megabytes(number_after(&remarks, "pagetrace: slot table ")?),
        })
    }

    /// What the process held beside the slot table, which it maps as a whole.
    pub(super) fn beside_table(&self) -> f64 {
        (self.peak - self.table).max(0.0)
    }
}

fn read_to_end(stream: Option<impl io::Read>) -> io::Result<String> {
    let mut text = String::new();
    stream.map_or(Ok(0), |mut stream| stream.read_to_string(&mut text))?;
    Ok(text)
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

/// The number that follows `prefix` at the start of a line.
fn number_after(remarks: &str, prefix: &str) -> Result<f64> {
    let rest = remarks.lines().find_map(|line| line.strip_prefix(prefix));
    let number = rest.and_then(|rest| rest.split(' ').next()?.parse().ok());
    number.with_context(|| format!("pagetrace did not say `{prefix}<number>`: {remarks}"))
}

fn megabytes(bytes: f64) -> f64 {
    bytes / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMARKS: &str =
        "pagetrace: slot table 25165824 bytes\npagetrace: attached 0.123 s after start\n";

    #[test]
    fn a_remark_is_found_by_its_beginning() {
        assert_eq!(
            number_after(REMARKS, "pagetrace: attached ").expect("found"),
            0.123
        );
        assert_eq!(
            number_after(REMARKS, "pagetrace: slot table ").expect("found"),
            25_165_824.0
        );
    }

    #[test]
    fn a_missing_remark_is_named() {
        let error = number_after(REMARKS, "pagetrace: report written ").expect_err("not there");
        assert!(error.to_string().contains("report written"), "{error}");
    }

    #[test]
    fn what_is_beside_the_table_is_never_negative() {
        let window = Window {
            attached: 0.0,
            reported: 0.0,
            peak: 20.0,
            table: 25.0,
        };
        assert_eq!(window.beside_table(), 0.0);
    }

    #[test]
    fn a_child_is_weighed_as_it_ends() {
        let child = Command::new("true").spawn().expect("started");
        let (status, peak) = wait(child).expect("waited");
        assert!(status.success() && peak > 0, "{status}, {peak} bytes");
    }
}
