//! What the user has to say: enough.

use std::{future, mem, ptr};

use anyhow::{Context as _, Result};
use libc::c_int;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, SIGTERM, and SIGHUP, which a terminal sends that goes away. SIGQUIT is not among them: it
/// ends the process at once.
pub(super) struct Interruption {
    interrupt: Signal,
    terminate: Signal,
    /// None where it is ignored, as `nohup` has it.
    hang_up: Option<Signal>,
}

impl Interruption {
    /// From here on, a signal is heard instead of ending the process.
    pub(super) fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let hang_up = (!is_ignored(libc::SIGHUP)).then(|| listen(SignalKind::hangup()));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: hang_up.transpose()?,
        })
    }

    /// The same for a service, which no terminal ends: SIGHUP does nothing, as there is nothing to read
    /// again.
    pub(super) fn of_service() -> Result<Self> {
        // SAFETY: ignoring a signal needs no handler to be sound.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        Self::listen()
    }

    /// Waits for the first signal; the second one will end the process at once.
    pub(super) async fn heard(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = heard(&mut self.hang_up) => {}
        }
        self.end();
    }

    /// From here on, Ctrl-C and SIGTERM end the process. SIGHUP does nothing: of a terminal that goes
    /// away, the shell and the kernel both tell.
    pub(super) fn end(&self) {
        for signal in [libc::SIGINT, libc::SIGTERM] {
            // SAFETY: the default action needs no handler to be sound.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
}

/// Waits for the signal; for ever if it is ignored.
async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => future::pending().await,
    }
}

/// Whether whoever started this process has it ignore the signal.
fn is_ignored(signal: c_int) -> bool {
    // SAFETY: all of it is integers and function addresses, for which zero stands for none.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: the kernel only writes the present action, to a place that has room for it.
    unsafe { libc::sigaction(signal, ptr::null(), &raw mut action) };
    action.sa_sigaction == libc::SIG_IGN
}
