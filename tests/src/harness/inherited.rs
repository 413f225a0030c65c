//! What a shell hands down to what it starts: limits, ignored signals, the umask, the terminal.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
};

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, Signal, ioctl_tiocsctty, setrlimit, setsid, umask},
    stdio::{stderr, stdout},
};

use super::Pagetrace;

impl Pagetrace {
    /// Starts it with a limit, as `ulimit` sets it.
    pub fn with_limit(self, resource: Resource, limit: u64) -> Self {
        self.after(move || {
            let limit = Rlimit {
                current: Some(limit),
                maximum: Some(limit),
            };
            Ok(setrlimit(resource, limit)?)
        })
    }

    /// Starts it with a signal ignored, as `nohup` does.
    pub fn ignoring(self, signal: Signal) -> Self {
        self.after(move || {
            // SAFETY: to ignore a signal needs no handler to be sound.
            match unsafe { libc::signal(signal.as_raw(), libc::SIG_IGN) } {
                libc::SIG_ERR => Err(io::Error::last_os_error()),
                _ => Ok(()),
            }
        })
    }

    /// Starts it with a umask.
    pub fn with_umask(self, mask: u32) -> Self {
        self.after(move || {
            umask(Mode::from_raw_mode(mask));
            Ok(())
        })
    }

    /// Makes it the first process of a session on the terminal that is its stderr.
    pub fn leading_a_session(self) -> Self {
        self.after(|| {
            setsid()?;
            Ok(ioctl_tiocsctty(stderr())?)
        })
    }

    /// Has this terminal as the one it runs on: stdin, stdout, and where Ctrl-C comes from.
    pub fn on_terminal(self, terminal: OwnedFd) -> Self {
        let stdin = terminal.try_clone().expect("a descriptor");
        let pagetrace = self.stdin(stdin.into()).stdout(terminal.into());
        pagetrace.env(&[("TERM", "xterm-256color")]).after(|| {
            setsid()?;
            Ok(ioctl_tiocsctty(stdout())?)
        })
    }

    fn after(mut self, prepare: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        // SAFETY: each of the above does nothing but system calls.
        unsafe { self.command.pre_exec(prepare) };
        self
    }
}
