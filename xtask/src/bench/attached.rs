//! A tracer that is attached, whichever.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

use crate::command;

/// What tells that a tracer is attached, and what ends it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sign {
    /// It says `attached`, or the command that it traces does; it ends when stdin is closed.
    Says,
    /// It holds events or links, and for a while no further ones; it ends by an interrupt.
    Holds,
}

const ATTACH: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(120);
const QUIET: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(10);

/// The tracer. Dropping it kills it.
pub(super) struct Attached {
    child: Child,
    output: NamedTempFile,
    spelled: String,
}

impl Attached {
    /// Starts a tracer and waits until it is attached.
    ///
    /// It writes into a file: what fills a pipe would be pages of its own.
    pub(super) fn start(mut tracer: Command, sign: Sign) -> Result<Self> {
        let output = NamedTempFile::new().context("cannot make a temporary file")?;
        let append = || File::options().append(true).open(&output);
        match sign {
            Sign::Says => tracer.stdin(Stdio::piped()).stdout(append()?),
            Sign::Holds => tracer.stdin(Stdio::null()).stdout(Stdio::null()),
        };
        let spelled = command::spelled(&tracer);
        let child = tracer.stderr(append()?).spawn();
        let child = child.with_context(|| format!("cannot run `{spelled}`"))?;
        let mut attached = Self {
            child,
            output,
            spelled,
        };
        attached.wait_for(sign)?;
        Ok(attached)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and waits for that.
    pub(super) fn stop(mut self) -> Result<()> {
        if self.child.stdin.take().is_none() {
            kill_process(Pid::from_child(&self.child), Signal::INT).context("cannot interrupt")?;
        }
        let end = Instant::now() + STOP;
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < end, "`{}` does not end", self.spelled);
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn wait_for(&mut self, sign: Sign) -> Result<()> {
        let end = Instant::now() + ATTACH;
        let (mut held, mut since) = (0, Instant::now());
        loop {
            let said = fs::read(&self.output).context("cannot read what a tracer said")?;
            let said = String::from_utf8_lossy(&said);
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "`{}` ended at once, {status}: {}",
                    self.spelled,
                    said.trim()
                );
            }
            let now = self.held();
            if now != held {
                (held, since) = (now, Instant::now());
            }
            let is_attached = match sign {
                Sign::Says => said.lines().any(|line| line == "attached"),
                Sign::Holds => held > 0 && since.elapsed() > QUIET,
            };
            if is_attached {
                return Ok(());
            }
            ensure!(Instant::now() < end, "`{}` does not attach", self.spelled);
            thread::sleep(PAUSE);
        }
    }

    /// How many events and links it holds.
    fn held(&self) -> usize {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.id()));
        let targets = descriptors.into_iter().flatten().flatten();
        let targets = targets.filter_map(|it| fs::read_link(it.path()).ok());
        targets
            .filter(|target| is_attachment(&target.to_string_lossy()))
            .count()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // It fails if the child has ended, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_attachment(target: &str) -> bool {
    let kind = target.strip_prefix("anon_inode:").unwrap_or_default();
    let kind = kind.trim_matches(['[', ']']).replace('-', "_");
    ["perf_event", "bpf_link", "bpf_raw_tracepoint"].contains(&kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_links_are_attachments() {
        for target in [
            "anon_inode:[perf_event]",
            "anon_inode:bpf_link",
            "anon_inode:bpf-raw-tracepoint",
        ] {
            assert!(is_attachment(target), "{target}");
        }
        for target in ["anon_inode:bpf-map", "/dev/null", "anon_inode:[eventpoll]"] {
            assert!(!is_attachment(target), "{target}");
        }
    }

    fn sh(script: &str) -> Command {
        let mut sh = Command::new("sh");
        sh.args(["-c", script]);
        sh
    }

    #[test]
    fn a_tracer_is_waited_for_and_stopped() {
        let script = "echo starting >&2; echo attached; exec cat";
        let attached = Attached::start(sh(script), Sign::Says).expect("it says so");
        attached.stop().expect("it stops");
    }

    #[test]
    fn a_tracer_that_fails_says_why() {
        let failed = Attached::start(sh("echo no right >&2; exit 1"), Sign::Holds);
        let error = failed.err().expect("it ended").to_string();
        assert!(error.ends_with(": no right"), "{error}");
    }
}
