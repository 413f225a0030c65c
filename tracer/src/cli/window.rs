//! The options that say how long to trace.

use std::time::Duration;

use super::values;

/// How long to trace.
#[derive(clap::Args, Debug)]
pub struct WindowArgs {
    /// Length of the window: 1 s to 7 days
    #[arg(short, long, value_name = "SECONDS", value_parser = values::interval)]
    pub(super) interval: Option<Duration>,

    /// Last part of the window in which only frees are watched, so that every page in the report
    /// is at least that old
    #[arg(long, value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=99))]
    drain: u8,
}

/// How long to record and to watch, as time since the start; none for "until
/// the command ends".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When to record no more allocations.
    pub record: Option<Duration>,
    /// When to stop.
    pub end: Option<Duration>,
}

impl WindowArgs {
    pub(super) fn window(&self) -> Window {
        let record = |it: Duration| it * (100 - u32::from(self.drain)) / 100;
        Window {
            record: self.interval.map(record),
            end: self.interval,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drain_is_the_end_of_the_window() {
        let args = WindowArgs {
            interval: Some(Duration::from_secs(600)),
            drain: 20,
        };
        let window = args.window();
        assert_eq!(window.record, Some(Duration::from_secs(480)));
        assert_eq!(window.end, Some(Duration::from_secs(600)));
    }
}
