//! What the programs send while they run: stacks to learn from.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::sleep_until,
};

use crate::bpf::Tracer;

/// Stacks for the tracer to learn from.
pub(in super::super) struct Samples {
    descriptor: Option<AsyncFd<OwnedFd>>,
    /// Whether some were left, of which the descriptor does not tell again.
    are_left: bool,
    since: Instant,
    learned: u32,
}

impl Samples {
    /// So many are learned from at once: a kernel has some hundred stacks.
    const FIRST: u32 = 2000;
    /// So much time passes for each one more. If there is always one more, some
    /// stack cannot be learned, and must not cost a CPU.
    const PACE: Duration = Duration::from_millis(10);
    /// So many are learned from before something else has its turn.
    const AT_ONCE: u32 = 64;

    pub(in super::super) fn open(tracer: &Tracer) -> Result<Self> {
        let descriptor = tracer.samples()?.map(register).transpose();
        Ok(Self {
            descriptor: descriptor.context("cannot wait for samples of stacks")?,
            are_left: false,
            since: Instant::now(),
            learned: 0,
        })
    }

    /// Waits for samples, and for the time to learn from them; for ever if none
    /// will come.
    pub(in super::super) async fn arrived(&mut self) -> Result<()> {
        let Some(descriptor) = &mut self.descriptor else {
            return std::future::pending().await;
        };
        let due = self.since + Self::PACE * self.learned.saturating_sub(Self::FIRST);
        sleep_until(due.into()).await;
        if !self.are_left {
            let ready = descriptor.readable_mut().await;
            ready
                .context("cannot wait for samples of stacks")?
                .clear_ready();
        }
        Ok(())
    }

    /// Learns from those that are there, as many as may be at once.
    pub(in super::super) fn learn(&mut self, tracer: &mut Tracer) -> Result<()> {
        for _ in 0..Self::AT_ONCE {
            self.are_left = tracer.learn()?;
            if !self.are_left {
                break;
            }
            self.learned += 1;
        }
        Ok(())
    }
}

/// Wakes up when there is something to read.
pub(super) fn register<T: AsRawFd>(readable: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: both kinds of values that are waited for own their descriptor, which
    // stays open and the same as long as they live.
    unsafe { AsyncFd::register_with_interest(readable, Interest::READABLE) }
        .map_err(io::Error::from)
}
