//! `pagetrace top`: who takes pages and who has them, as it happens or as it was recorded.

mod keys;
mod live;
mod look;
mod recording;
mod replay;
mod session;

use std::{
    env,
    io::{IsTerminal as _, stdout},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tokio::time::sleep_until;

use self::{keys::Event, live::Live, recording::Recording, replay::Replay, session::Session};
use super::interruption::Interruption;
use crate::{
    cli::TopArgs,
    model::{Look, LookSource, TopStep},
    render::TopTerminal,
};

/// How often to look: where a service is asked, each look is its work, too.
const OWN_INTERVAL: Duration = Duration::from_secs(2);
const SERVICE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows looks until the user has enough.
pub fn run(args: &TopArgs) -> Result<ExitCode> {
    check_terminal()?;
    let (feed, first) = match &args.replay {
        Some(input) => {
            let (replay, first) = Replay::open(input, &args.kind)?;
            (Feed::Replay(replay), first)
        }
        None => {
            let recording = args.record.as_deref().map(Recording::create).transpose()?;
            let (live, first) = Live::start(args)?;
            (Feed::Live(live, recording), first)
        }
    };
    let interval = args.interval.unwrap_or(match first.source {
        LookSource::Service => SERVICE_INTERVAL,
        LookSource::OwnTrace | LookSource::Saved => OWN_INTERVAL,
    });
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    let watch = Watch::begin(feed, first, args, interval);
    runtime.block_on(watch.until_enough())?;
    Ok(ExitCode::SUCCESS)
}

/// Whether there is a screen to draw on.
fn check_terminal() -> Result<()> {
    let other = "`pagetrace report --live` and `pagetrace -i 60` write text instead";
    ensure!(
        stdout().is_terminal(),
        "top needs a terminal, and stdout is none: {other}"
    );
    let is_dumb = env::var_os("TERM").is_some_and(|it| it == "dumb");
    ensure!(
        !is_dumb,
        "this terminal cannot move its cursor (TERM=dumb): {other}"
    );
    Ok(())
}

/// Where looks come from.
enum Feed {
    /// The machine, and what keeps them.
    Live(Live, Option<Recording>),
    /// A recording.
    Replay(Replay),
}

/// The screen, and what is on it.
struct Watch {
    feed: Feed,
    session: Session,
    interval: Duration,
    due: Instant,
}

impl Watch {
    fn begin(feed: Feed, first: Look, args: &TopArgs, interval: Duration) -> Self {
        let mut session = Session::of(first, &args.kind, interval);
        match &feed {
            Feed::Live(..) => session.remember(),
            Feed::Replay(replay) => session.recall(replay.history(), replay.position()),
        }
        let mut watch = Self {
            feed,
            session,
            interval,
            due: Instant::now() + interval,
        };
        watch.keep();
        watch
    }

    /// Shows looks until a key or a signal ends it.
    async fn until_enough(mut self) -> Result<()> {
        let mut interruption = Interruption::listen()?;
        let mut terminal = TopTerminal::open().context("cannot take the terminal over")?;
        let mut events = keys::events();
        loop {
            let drawn = terminal.draw(&self.session.screen());
            self.session
                .settle(drawn.context("cannot write to the terminal")?);
            tokio::select! {
                () = interruption.heard() => break,
                event = keys::next(&mut events) => match event {
                    Event::Key(key) => match self.session.press(key) {
                        TopStep::Quit => break,
                        step => self.step(step),
                    },
                    Event::Redraw => terminal.clear().context("cannot write to the terminal")?,
                    Event::Quit => break,
                },
                look = looked(&mut self.feed) => self.looked(look?),
                () = sleep_until(self.due.into()) => self.tick(),
            }
        }
        Ok(())
    }

    /// Another look of the recording, if it is one.
    fn step(&mut self, step: TopStep) {
        let Feed::Replay(replay) = &mut self.feed else {
            return;
        };
        let look = match step {
            TopStep::Back => replay.back(),
            TopStep::Forward => replay.forward(),
            TopStep::Stay | TopStep::Quit => return,
        };
        if let Some(look) = look {
            self.session.show(look);
            let Feed::Replay(replay) = &self.feed else {
                return;
            };
            self.session.recall(replay.history(), replay.position());
        }
    }

    /// Takes the next look, unless the user has it wait.
    fn tick(&mut self) {
        self.due = Instant::now() + self.interval;
        if self.session.is_paused() {
            return;
        }
        match &mut self.feed {
            Feed::Live(live, _) => live.ask(),
            Feed::Replay(_) => self.step(TopStep::Forward),
        }
    }

    fn looked(&mut self, look: Result<Look>) {
        self.due = Instant::now() + self.interval;
        match look {
            // What was asked for before the user had it wait.
            Ok(_) if self.session.is_paused() => {}
            Ok(look) => {
                self.session.show(look);
                self.session.remember();
                self.keep();
            }
            Err(error) => self.session.complain(&error),
        }
    }

    /// Writes the look down, if that is wanted; what cannot be written ends the recording.
    fn keep(&mut self) {
        let Feed::Live(_, kept) = &mut self.feed else {
            return;
        };
        let Some(recording) = kept else {
            return;
        };
        if let Err(error) = recording.add(self.session.look()) {
            self.session.complain_for_good(&error);
            *kept = None;
        }
    }
}

/// Waits for the look that was asked for; for ever in a recording. The outer error is the end.
async fn looked(feed: &mut Feed) -> Result<Result<Look>> {
    match feed {
        Feed::Live(live, _) => live.looked().await,
        Feed::Replay(_) => std::future::pending().await,
    }
}
