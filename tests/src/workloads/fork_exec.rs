//! Processes that end at once: page tables, kernel stacks, slabs.

use std::{
    io,
    process::{Command, Stdio},
};

use super::Workload;

/// The program to start.
pub(super) struct ForkExec(Command);

impl ForkExec {
    pub(super) fn new() -> Self {
        let mut command = Command::new("true");
        command.stdin(Stdio::null());
        Self(command)
    }
}

impl Workload for ForkExec {
    fn operate(&mut self) -> io::Result<()> {
        let status = self.0.status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("true failed: {status}")))
        }
    }
}
