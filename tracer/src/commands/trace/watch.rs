//! The window itself: epochs, the drain, and what ends it early.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use tokio::{io::unix::AsyncFd, time::sleep_until};

use super::{
    super::interruption::Interruption,
    command::RunningCommand,
    readings::Readings,
    samples::{Samples, register},
};
use crate::{
    analysis::Timeline,
    bpf::{KernelLog, Tracer},
    cli::{TraceArgs, Window},
    model,
    render::Progress,
};

/// How often the progress bar is drawn.
const REDRAW: Duration = Duration::from_millis(500);

/// A window that is over. Frees are still watched, so that what is looked at
/// now is what is out now.
pub(super) struct Watched {
    pub(super) tracer: Tracer,
    pub(super) window: model::Window,
    pub(super) readings: Readings,
    pub(super) ended: Instant,
}

/// Lets the tracer run until the window is over, the command has ended, or the
/// user has had enough.
pub(super) async fn watch(
    mut tracer: Tracer,
    mut clock: Clock,
    args: &TraceArgs,
    mut interruption: Interruption,
    command: &mut RunningCommand,
    progress: &Progress,
) -> Result<Watched> {
    let mut kernel_log = KernelMessages::open(&mut tracer, args.output.verbose)?;
    let mut samples = Samples::open(&tracer)?;
    while !clock.is_over() {
        clock.steer(&mut tracer)?;
        progress.show(clock.elapsed(), clock.recorded.is_some(), || {
            tracer.outstanding_pages()
        });
        tokio::select! {
            () = sleep_until(clock.next_wake(progress.is_hidden()).into()) => {}
            () = interruption.heard() => {
                command.interrupted().await?;
                break;
            }
            ended = command.ended() => {
                ended?;
                break;
            }
            passed_on = kernel_log.pass_on() => passed_on?,
            arrived = samples.arrived() => {
                arrived?;
                samples.learn(&mut tracer)?;
            }
        }
    }
    let (ended, readings) = (Instant::now(), Readings::now());
    interruption.end();
    progress.finish();
    command.leave();
    let recorded = clock.recorded.unwrap_or_else(|| clock.elapsed());
    tracer.drain()?;
    kernel_log.flush();
    let drained = clock.elapsed().saturating_sub(recorded);
    let window = model::Window {
        started: clock.started,
        record_seconds: recorded.into(),
        drain_seconds: drained.into(),
        epochs: clock.timeline.starts(),
        recorded_before_seconds: None,
        scope: args.filters.scope,
        filters: args.filters.spelled(),
        takers: args.ranking.by.takers(),
    };
    Ok(Watched {
        tracer,
        window,
        readings,
        ended,
    })
}

/// Where the window is.
pub(super) struct Clock {
    window: Window,
    started: Timestamp,
    began: Instant,
    timeline: Timeline,
    /// How long allocations were recorded, once the drain has begun.
    recorded: Option<Duration>,
}

impl Clock {
    /// Starts the window: to be done when the tracer has just been attached, as
    /// what is taken from then on is recorded.
    pub(super) fn start(window: Window) -> Self {
        Self {
            window,
            started: Timestamp::now(),
            began: Instant::now(),
            timeline: Timeline::default(),
            recorded: None,
        }
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn is_over(&self) -> bool {
        let has_ended = |end| self.elapsed() >= end;
        self.recorded.is_some() && self.window.end.is_some_and(has_ended)
    }

    /// Does what is due: a new epoch, or the drain.
    fn steer(&mut self, tracer: &mut Tracer) -> Result<()> {
        if self.recorded.is_some() {
            return Ok(());
        }
        let now = self.elapsed();
        if let Some(due) = self.window.record.filter(|&due| now >= due) {
            tracer.drain()?;
            let recorded = self.elapsed();
            // The drain is as long as it was meant to be, even if this process was stopped before.
            self.window.end = self.window.end.map(|end| end + (recorded - due));
            self.recorded = Some(recorded);
        } else if self.timeline.next_due().is_some_and(|due| now >= due) {
            tracer.set_epoch(self.timeline.begin(now))?;
        }
        Ok(())
    }

    /// When there is something to do again.
    fn next_wake(&self, hidden: bool) -> Instant {
        const FAR: Duration = Duration::from_secs(3600);
        let recording = self.recorded.is_none();
        let due = [
            self.window.end,
            self.window.record.filter(|_| recording),
            self.timeline.next_due().filter(|_| recording),
            (!hidden).then(|| self.elapsed() + REDRAW),
        ];
        self.began
            + due
                .into_iter()
                .flatten()
                .min()
                .unwrap_or_else(|| self.elapsed() + FAR)
    }
}

/// Messages from the kernel side, when the user wants them.
struct KernelMessages(Option<AsyncFd<KernelLog>>);

impl KernelMessages {
    fn open(tracer: &mut Tracer, wanted: bool) -> Result<Self> {
        let log = wanted.then(|| tracer.kernel_log()).transpose()?;
        log.map(register)
            .transpose()
            .map(Self)
            .context("cannot wait for kernel messages")
    }

    /// Passes on what is waiting.
    fn flush(&mut self) {
        if let Some(log) = &mut self.0 {
            log.get_mut().flush();
        }
    }

    /// Waits for messages and passes them on; for ever if nobody wants them.
    async fn pass_on(&mut self) -> Result<()> {
        let Some(log) = &mut self.0 else {
            return std::future::pending().await;
        };
        let mut ready = log
            .readable_mut()
            .await
            .context("cannot wait for kernel messages")?;
        ready.get_inner_mut().flush();
        ready.clear_ready();
        Ok(())
    }
}
