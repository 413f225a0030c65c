//! Lengths of time as reports have them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// A length of time in whole milliseconds, as more would say nothing. JSON has it in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct Seconds {
    milliseconds: u64,
}

/// A number that is no length of time: negative, infinite, or longer than three thousand years.
#[derive(Clone, Copy, Debug)]
pub struct NoTime(f64);

impl Seconds {
    /// As a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }

    /// As a number of seconds.
    pub fn count(self) -> f64 {
        self.into()
    }
}

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self {
            milliseconds: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.milliseconds as f64 / 1000.0
    }
}

impl TryFrom<f64> for Seconds {
    type Error = NoTime;

    /// Gives back what was written: nearest, as 0.1 is no binary fraction.
    fn try_from(seconds: f64) -> Result<Self, NoTime> {
        const LONGEST: f64 = 1e11;
        if !(0.0..=LONGEST).contains(&seconds) {
            return Err(NoTime(seconds));
        }
        Ok(Self {
            milliseconds: (seconds * 1000.0).round() as u64,
        })
    }
}

impl fmt::Display for NoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s is no length of time", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_gives_back_what_it_was_given() {
        for milliseconds in [0, 1, 100, 12_100, 4_294_967_297, 604_800_001] {
            let time = Seconds { milliseconds };
            let json = serde_json::to_string(&time).expect("a number");
            assert_eq!(
                serde_json::from_str::<Seconds>(&json).expect("the same"),
                time
            );
        }
        assert_eq!(Seconds::from(Duration::from_micros(1999)).count(), 0.001);
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for number in ["-0.001", "1e300", "\"1\"", "null"] {
            assert!(serde_json::from_str::<Seconds>(number).is_err(), "{number}");
        }
    }
}
