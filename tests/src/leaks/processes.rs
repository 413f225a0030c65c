//! Processes that do nothing.

use std::io;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::Held;
use crate::announcement::Announcement;

/// `leak processes`
#[derive(clap::Args)]
pub struct Processes {
    /// How many to start
    #[arg(long, default_value_t = 1000)]
    pub count: usize,
}

/// Processes that end when this does.
struct Children(Vec<Pid>);

impl Processes {
    /// Forks them; a page of the stack is the least that each takes.
    pub fn take(&self) -> io::Result<Held> {
        let mut children = Children(Vec::new());
        for _ in 0..self.count {
            children.0.push(fork()?);
        }
        Ok(Held::new(
            Announcement::holding(self.count as u64),
            children,
        ))
    }
}

/// A process that waits to be killed; also once its parent has ended.
fn fork() -> io::Result<Pid> {
    // SAFETY: there is one thread, so the child may do whatever it did.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => sleep(),
        pid => Pid::from_raw(pid).ok_or_else(|| io::Error::other("no process has pid 0")),
    }
}

fn sleep() -> ! {
    // SAFETY: only sets which signal comes when the parent ends.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    loop {
        // SAFETY: waits for a signal.
        unsafe { libc::pause() };
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for &child in &self.0 {
            // Each is our child and has not been waited for.
            let _ = kill_process(child, Signal::KILL);
            let _ = waitpid(Some(child), WaitOptions::empty());
        }
    }
}
