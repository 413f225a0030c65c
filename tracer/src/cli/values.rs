//! Values of options: each reader gives the value or says what would be one.

use std::{path::PathBuf, time::Duration};

/// The longest window: 7 days.
const LONGEST: u64 = 7 * 24 * 3600;

/// The most sites the table can hold beside the reserved ones.
pub(super) const MAX_SITES: i64 = (tracer_ebpf::MAX_SITES - tracer_ebpf::FIRST_SITE) as i64;

/// Where an output format goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To stdout, in place of the table.
    Stdout,
    /// To a file.
    File(PathBuf),
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

impl Window {
    pub(super) fn new(interval: Option<Duration>, drain_percent: u8) -> Self {
        let record = interval.map(|it| it * (100 - u32::from(drain_percent)) / 100);
        Self {
            record,
            end: interval,
        }
    }
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .map_err(|_| "give a whole number of seconds".to_owned())?;
    if seconds > LONGEST {
        return Err(format!("give at most {LONGEST} seconds (7 days)"));
    }
    Ok(Duration::from_secs(seconds))
}

pub(super) fn interval(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        Duration::ZERO => Err("give at least 1 second".to_owned()),
        interval => Ok(interval),
    }
}

pub(super) fn output(text: &str) -> Result<Output, String> {
    match text {
        "" => Err("give a file name, or - for stdout".to_owned()),
        "-" => Ok(Output::Stdout),
        path => Ok(Output::File(PathBuf::from(path))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drain_is_the_end_of_the_window() {
        let window = Window::new(Some(Duration::from_secs(600)), 20);
        assert_eq!(window.record, Some(Duration::from_secs(480)));
        assert_eq!(window.end, Some(Duration::from_secs(600)));
    }

    #[test]
    fn a_dash_is_stdout() {
        assert_eq!(output("-"), Ok(Output::Stdout));
        assert_eq!(output("-x"), Ok(Output::File("-x".into())));
    }
}
