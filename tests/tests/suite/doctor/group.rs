//! A process with all that it starts.

use std::{
    os::unix::process::CommandExt as _,
    process::{Child, Command},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// Dropping it kills them all.
pub(super) struct Group(Child);

impl Group {
    pub(super) fn start(mut command: Command) -> Self {
        Self(command.process_group(0).spawn().expect("it starts"))
    }

    /// Of the process that all began with.
    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until that one has ended.
    pub(super) fn ends(&mut self) {
        self.0.wait().expect("our child");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Fails only if all of them have ended already.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}
