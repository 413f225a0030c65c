//! The progress bar: time left and pages outstanding so far. Drawn on a
//! terminal only; silent otherwise.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::text;

/// A bar on stderr, if stderr is a terminal.
pub struct Progress {
    bar: ProgressBar,
    window: Option<Duration>,
    page_size: u64,
}

impl Progress {
    /// Starts the bar of a window; none stands for one without a known end.
    pub fn new(window: Option<Duration>, page_size: u64) -> Self {
        let bar = ProgressBar::with_draw_target(
            window.map(|window| window.as_millis() as u64),
            ProgressDrawTarget::stderr(),
        );
        let template = match window {
            Some(_) => "{bar:30} {msg}",
            None => "{spinner} {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            window,
            page_size,
        }
    }

    /// Whether nobody sees it.
    pub fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// Draws how far the window is and how many pages are outstanding; does not
    /// even ask for them if nobody sees it.
    pub fn show(&self, elapsed: Duration, draining: bool, pages: impl Fn() -> Result<u64>) {
        let Some(pages) = (!self.is_hidden()).then(pages).and_then(Result::ok) else {
            return;
        };
        let time = match self.window {
            Some(window) => format!("{} s left", window.saturating_sub(elapsed).as_secs()),
            None => format!("{} s", elapsed.as_secs()),
        };
        let phase = if draining { ", watching frees" } else { "" };
        let outstanding = text::bytes(pages * self.page_size);
        self.bar.set_position(elapsed.as_millis() as u64);
        self.bar
            .set_message(format!("{time}{phase}, {outstanding} not freed so far"));
    }

    /// Takes the bar away again.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
