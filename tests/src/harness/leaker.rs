//! The helper program, running.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use tempfile::NamedTempFile;

use super::eventually;
use crate::announcement::Announcement;

/// A leak in a process of its own. Dropping it ends the process.
pub struct Leaker {
    child: Child,
    /// What it said.
    pub announcement: Announcement,
}

impl Leaker {
    /// Starts `program` and waits until it has taken its pages.
    pub fn start(program: &str, args: &[&str]) -> Self {
        Self::start_as(program, args, |_| {})
    }

    /// The same, after `prepare` has done something to the command.
    pub fn start_as(program: &str, args: &[&str], prepare: impl FnOnce(&mut Command)) -> Self {
        let stdout = NamedTempFile::new().expect("a temporary file");
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(stdout.reopen().expect("the temporary file"));
        prepare(&mut command);
        let mut child = command.spawn().expect("the helper program starts");
        let announcement = eventually("the leak", || {
            let ended = child.try_wait().expect("our child");
            assert!(ended.is_none(), "leak {args:?} ended: {ended:?}");
            announcement(&fs::read_to_string(&stdout).expect("the temporary file"))
        });
        Self {
            child,
            announcement,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has it release its pages, and waits until it is gone.
    pub fn release(mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait().expect("our child");
        assert!(status.success(), "leak: {status}");
    }
}

impl Drop for Leaker {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a leak says in the first line of its stdout, once that is whole.
pub fn announcement(stdout: &str) -> Option<Announcement> {
    let (line, _) = stdout.split_once('\n')?;
    Some(line.parse().expect("an announcement"))
}
