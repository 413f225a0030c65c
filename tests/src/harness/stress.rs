//! `stress-ng`, as a load.

use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A running `stress-ng`; dropping it ends it.
pub struct Stress {
    child: Child,
    /// Where its sockets and files are.
    _folder: TempDir,
}

impl Stress {
    /// Starts it with these options; none where it is not installed.
    pub fn start(options: &[&str]) -> Option<Self> {
        Self::run(Command::new("stress-ng"), options)
    }

    /// Likewise, on what CPU time others leave. On two CPUs a program that is looked at beside it gets one
    /// of them, and not a tenth of both.
    pub fn start_in_the_background(options: &[&str]) -> Option<Self> {
        let mut nice = Command::new("nice");
        nice.args(["-n", "19", "stress-ng"]);
        let is_there = Command::new("stress-ng").arg("--version").output().is_ok();
        is_there.then(|| Self::run(nice, options)).flatten()
    }

    fn run(mut command: Command, options: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        command.args(options).arg("--quiet").stdin(Stdio::null());
        let child = command.current_dir(&folder).spawn().ok()?;
        Some(Self {
            child,
            _folder: folder,
        })
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("our child")
    }
}

impl Drop for Stress {
    fn drop(&mut self) {
        let is_running = self.child.try_wait().is_ok_and(|it| it.is_none());
        let pid = is_running.then(|| Pid::from_child(&self.child));
        // So that it ends its own children; fails only if it has ended already.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        let _ = self.child.wait();
    }
}
