//! Whether memory goes on growing, and what that rests on.

use serde::{Deserialize, Serialize};

use super::{Choice, Seconds};

/// Whether what a call site keeps goes on growing. `docs/verdicts.md` has the rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// What it does.
    pub verdict: TrendVerdict,
    /// Why that cannot be told; none if it can.
    pub doubt: Option<Doubt>,
    /// How long a window would tell, if this one does not.
    pub would_tell_seconds: Option<Seconds>,
    /// What each second adds that stays.
    pub bytes_per_second: Option<Rate>,
    /// Which share of all pages that were taken is left; none where that is not known.
    pub kept_share: Option<f64>,
    /// The age of the oldest pages that are left; none where that is not known.
    pub oldest_seconds: Option<Seconds>,
    /// In how many of the window's sixteenths something was added that is left.
    pub sixteenths: usize,
    /// How many epochs the recording had, or how many samples there are.
    pub epochs: usize,
    /// How long was watched. What lives longer looks like what stays.
    pub watched_seconds: Seconds,
}

/// A rate in bytes per second, and between what it lies in 95 % of cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// The most likely one.
    pub value: i64,
    /// The lowest.
    pub low: i64,
    /// The highest.
    pub high: i64,
}

/// What memory does over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrendVerdict {
    /// Some of it stays throughout the window: a leak, or pages that live longer than the window.
    Growing,
    /// It grew, and does not any more: a cache or a pool that is full.
    LevelledOff,
    /// What is taken is given back in a fraction of the window.
    TurnsOver,
    /// It was taken at once, and nothing followed.
    OneBurst,
    /// The window does not tell.
    Undecided,
}

/// Why a window does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// It was too short.
    TooShort,
    /// Too few allocations are left.
    TooFew,
    /// It began late in the window.
    Recent,
    /// It slows down, as a cache does that fills up.
    Slowing,
    /// Its pages may merely be long-lived.
    LongLived,
    /// It comes in pieces.
    Irregular,
}

impl Choice for TrendVerdict {
    const ALL: &'static [Self] = &[
        Self::Growing,
        Self::LevelledOff,
        Self::TurnsOver,
        Self::OneBurst,
        Self::Undecided,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Growing => "grows",
            Self::LevelledOff => "levelled",
            Self::TurnsOver => "renews",
            Self::OneBurst => "burst",
            Self::Undecided => "?",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Growing => "some of it stays throughout the window",
            Self::LevelledOff => "it grew, and does not any more",
            Self::TurnsOver => "what is taken is given back in a fraction of the window",
            Self::OneBurst => "it was taken at once, and nothing followed",
            Self::Undecided => "the window does not tell",
        }
    }
}

impl Choice for Doubt {
    const ALL: &'static [Self] = &[
        Self::TooShort,
        Self::TooFew,
        Self::Recent,
        Self::Slowing,
        Self::LongLived,
        Self::Irregular,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::TooShort => "too short",
            Self::TooFew => "too few",
            Self::Recent => "began late",
            Self::Slowing => "slows down",
            Self::LongLived => "long-lived",
            Self::Irregular => "irregular",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::TooShort => "the window is too short",
            Self::TooFew => "too few allocations are left",
            Self::Recent => "it began late in the window",
            Self::Slowing => "it slows down, as a cache does that fills up",
            Self::LongLived => "its pages may merely be long-lived",
            Self::Irregular => "it comes in pieces",
        }
    }
}
