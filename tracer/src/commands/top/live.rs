//! Looks at the running machine, from a thread that takes them: keys are obeyed meanwhile.

use std::{
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::sleep_until,
};

use super::{super::live, look};
use crate::{
    cli::{
        DEFAULT_CHECK_EVERY, DEFAULT_MAX_SITES, DEFAULT_SOCKET, FilterArgs, HookChoice, SymbolArgs,
        TopArgs,
    },
    commands::{
        recorder::Recorder,
        trace::{
            Samples,
            plan::{self, Request},
        },
    },
    kernel::host,
    model::{Look, LookSource},
    render,
};

/// How often ids of call sites that have no page are used again.
const REUSE: Duration = Duration::from_secs(300);

/// A thread that looks whenever it is asked.
pub(super) struct Live {
    asks: Sender<()>,
    looks: Receiver<Result<Look>>,
    is_asked: bool,
}

/// What is asked.
enum Source {
    Service(PathBuf),
    OwnTrace,
}

impl Live {
    /// Starts it, and waits for the first look.
    pub(super) fn start(args: &TopArgs) -> Result<(Self, Look)> {
        let (asks, asked) = mpsc::channel(1);
        let (sender, looks) = mpsc::channel(1);
        let (source, since) = (source(args)?, args.since);
        thread::spawn(move || {
            let looked = match source {
                Source::Service(socket) => ask_service(&socket, since, asked, &sender),
                Source::OwnTrace => trace(since, asked, &sender),
            };
            if let Err(error) = looked {
                let _ = sender.blocking_send(Err(error));
            }
        });
        let mut live = Self {
            asks,
            looks,
            is_asked: false,
        };
        let first = live.looks.blocking_recv().context("nothing looks")??;
        Ok((live, first))
    }

    /// Asks for the next look, if none is under way.
    pub(super) fn ask(&mut self) {
        self.is_asked = self.is_asked || self.asks.try_send(()).is_ok();
    }

    /// Waits for it. That nobody looks any more is the outer error.
    pub(super) async fn looked(&mut self) -> Result<Result<Look>> {
        let look = self.looks.recv().await.context("nobody looks any more")?;
        self.is_asked = false;
        Ok(look)
    }
}

/// The service that the user names; else the usual one, if it answers.
fn source(args: &TopArgs) -> Result<Source> {
    if let Some(socket) = &args.socket {
        return Ok(Source::Service(socket.clone()));
    }
    if UnixStream::connect(DEFAULT_SOCKET).is_ok() {
        return Ok(Source::Service(DEFAULT_SOCKET.into()));
    }
    plan::descriptors(host::descriptors_left()?)?;
    render::say("no service answers: top traces by itself, from now on");
    Ok(Source::OwnTrace)
}

/// A service that does not answer may do so again.
fn ask_service(
    socket: &Path,
    since: Option<Duration>,
    mut asked: Receiver<()>,
    looks: &Sender<Result<Look>>,
) -> Result<()> {
    loop {
        let report = live::report(socket, since);
        let look = report.map(|it| look::with(it, LookSource::Service));
        if looks.blocking_send(look).is_err() || asked.blocking_recv().is_none() {
            return Ok(());
        }
    }
}

/// Records until nobody wants to look any more.
fn trace(since: Option<Duration>, asked: Receiver<()>, looks: &Sender<Result<Look>>) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(record(since, asked, looks))
}

async fn record(
    since: Option<Duration>,
    mut asked: Receiver<()>,
    looks: &Sender<Result<Look>>,
) -> Result<()> {
    let mut recorder = Recorder::start(&request(), &SymbolArgs { vmlinux: None })?;
    let mut samples = Samples::open(recorder.tracer())?;
    let mut reuse = Instant::now() + REUSE;
    let mut is_asked = true;
    loop {
        recorder.steer()?;
        if is_asked {
            is_asked = false;
            let report = recorder.report(since);
            let look = report.map(|it| look::with(it, LookSource::OwnTrace));
            if looks.send(look).await.is_err() {
                return Ok(());
            }
        }
        if Instant::now() >= reuse {
            reuse = Instant::now() + REUSE;
            recorder.report_of_sites()?;
        }
        tokio::select! {
            ask = asked.recv() => match ask {
                Some(()) => is_asked = true,
                None => return Ok(()),
            },
            arrived = samples.arrived() => {
                arrived?;
                samples.learn(recorder.tracer_mut())?;
            }
            () = sleep_until(recorder.next_due().min(reuse).into()) => {}
        }
    }
}

/// What a service records unless it is told otherwise.
fn request() -> Request {
    Request {
        filters: FilterArgs::default(),
        takers: None,
        max_sites: DEFAULT_MAX_SITES,
        hook: HookChoice::default(),
        check_every: Some(DEFAULT_CHECK_EVERY),
        holders: true,
        verbose: false,
    }
}
