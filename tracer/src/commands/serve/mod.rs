//! `pagetrace serve`: records without end, and answers meanwhile.
//!
//! One thread owns the tracer and does one thing after the other; connections have a thread of their
//! own, and send it their questions.

mod cases;
mod connections;
mod looks;
mod question;
mod socket;

use std::{
    net::{SocketAddr, TcpListener},
    process::ExitCode,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use sd_notify::NotifyState;
use tokio::{
    sync::{mpsc, watch},
    time::sleep_until,
};

use self::{
    cases::Cases,
    connections::Listeners,
    question::{Question, Service},
    socket::ServiceSocket,
};
use super::{
    interruption::Interruption,
    recorder::Recorder,
    trace::{
        Samples,
        plan::{self, Request},
    },
};
use crate::{
    cli::ServeArgs,
    kernel::host,
    model::{LookMetrics, Metrics},
    render,
};

/// How many questions wait for their turn; further ones wait with their connections.
const WAITING: usize = 16;

/// Records until it is told to stop. What it recorded is gone then.
pub fn run(args: &ServeArgs) -> Result<ExitCode> {
    render::say_logged(if args.verbose {
        log::LevelFilter::Info
    } else {
        log::LevelFilter::Warn
    });
    plan::descriptors(host::descriptors_left()?)?;
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(serve(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &ServeArgs) -> Result<()> {
    let mut interruption = Interruption::of_service()?;
    let socket = ServiceSocket::bind(&args.socket)?;
    let listeners = Listeners {
        local: socket.listener()?,
        metrics: args.listen.map(listener).transpose()?,
    };
    let cases = Cases::watch(&args.save)?;
    let mut recorder = Recorder::start(&request(args), &args.symbols)?;
    let mut samples = Samples::open(recorder.tracer())?;
    let (questions, mut asked) = mpsc::channel(WAITING);
    let (publisher, counted) = watch::channel(None);
    let service = Service { questions, counted };
    let connections = listeners.answer_in_thread(service)?;
    tell_service_manager(&[NotifyState::Ready]);
    say_ready(args);
    let mut schedule = Schedule::every(args, cases, publisher);
    loop {
        recorder.steer()?;
        schedule.look_if_due(&mut recorder);
        let next = recorder.next_due().min(schedule.next_due());
        tokio::select! {
            () = sleep_until(next.into()) => {}
            () = interruption.heard() => break,
            arrived = samples.arrived() => {
                arrived?;
                samples.learn(recorder.tracer_mut())?;
            }
            question = asked.recv() => {
                let Some(question) = question else { return ended(connections) };
                answer(&mut recorder, &mut schedule, question);
            }
        }
        tell_service_manager(&[NotifyState::Watchdog]);
    }
    tell_service_manager(&[NotifyState::Stopping]);
    let status = recorder.status()?;
    render::say(&render::lost_history(
        status.seconds.duration(),
        status.outstanding_pages,
    ));
    Ok(())
}

fn listener(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

/// Why nobody asks any more.
fn ended(connections: JoinHandle<Result<()>>) -> Result<()> {
    let why = connections.join();
    why.map_err(|_| anyhow!("the thread that answers has panicked"))?
        .context("cannot answer any more")
}

/// When every page is looked at next, and what the last look found.
struct Schedule {
    every: Duration,
    top: usize,
    next: Instant,
    last: Option<LookMetrics>,
    cases: Option<Cases>,
    publisher: watch::Sender<Option<Metrics>>,
}

impl Schedule {
    /// The first look is at once, so that metrics are whole from the beginning.
    fn every(
        args: &ServeArgs,
        cases: Option<Cases>,
        publisher: watch::Sender<Option<Metrics>>,
    ) -> Self {
        Self {
            every: args.every,
            top: args.top as usize,
            next: Instant::now(),
            last: None,
            cases,
            publisher,
        }
    }

    fn next_due(&self) -> Instant {
        let case = self.cases.as_ref().map(Cases::next_due);
        case.map_or(self.next, |case| case.min(self.next))
    }

    /// The same numbers, with what the last look found and what the counters say now.
    fn completed(&self, counted: Metrics) -> Metrics {
        Metrics {
            unaccounted_bytes: looks::unaccounted_bytes().ok(),
            look: self.last.clone(),
            saved_cases: self.cases.as_ref().map_or(0, Cases::saved),
            ..counted
        }
    }

    /// Does what takes a while. Scrapers are told meanwhile what was counted before.
    fn busy<T>(
        &mut self,
        recorder: &mut Recorder,
        work: impl FnOnce(&mut Self, &mut Recorder) -> T,
    ) -> T {
        let counted = recorder.metrics().ok();
        self.publisher
            .send_replace(counted.map(|it| self.completed(it)));
        let done = work(self, recorder);
        self.publisher.send_replace(None);
        done
    }

    fn look_if_due(&mut self, recorder: &mut Recorder) {
        if Instant::now() >= self.next_due() {
            self.busy(recorder, Self::look);
        }
    }

    /// A look that fails is said, and metrics go on without it.
    fn look(&mut self, recorder: &mut Recorder) {
        if let Some(cases) = &mut self.cases {
            cases.look_if_due(recorder);
        }
        if Instant::now() < self.next {
            return;
        }
        self.last = match looks::look(recorder, self.top) {
            Ok(look) => Some(look),
            Err(error) => {
                render::say(&format!(
                    "cannot look at pages: {}",
                    render::sentence(&error)
                ));
                None
            }
        };
        self.next = Instant::now() + self.every;
    }
}

/// A question that nobody waits for any more is nobody's loss.
fn answer(recorder: &mut Recorder, schedule: &mut Schedule, question: Question) {
    match question {
        Question::Report { since, reply } => {
            let report = schedule.busy(recorder, |_, recorder| recorder.report(since));
            drop(reply.send(report));
        }
        Question::Metrics { reply } if reply.is_closed() => {}
        Question::Metrics { reply } => {
            let counted = recorder.metrics();
            let metrics = counted.map(|it| schedule.completed(it));
            drop(reply.send(metrics));
        }
        Question::Status { reply } => drop(reply.send(recorder.status())),
    }
}

/// Does nothing where no service manager listens.
fn tell_service_manager(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        render::say(&format!("cannot tell the service manager: {error}"));
    }
}

fn say_ready(args: &ServeArgs) {
    let mut sentence = format!("recording; answers on {}", args.socket.display());
    if let Some(address) = args.listen {
        sentence += &format!(", metrics on http://{address}/metrics");
    }
    render::say(&sentence);
}

fn request(args: &ServeArgs) -> Request {
    Request {
        filters: args.filters.clone(),
        takers: None,
        max_sites: args.tracer.max_sites,
        hook: args.tracer.hook,
        check_every: args.tracer.check_every(),
        holders: !args.tracer.no_holders,
        verbose: args.verbose,
    }
}
