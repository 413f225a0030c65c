//! What memory can do.

/// One of the shapes. Each has a time of its own, which windows are measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Pages come and go, each with the same chance to go at any time. Its time: how long one lives.
    SteadyPool,
    /// Pages come and go, each after the same time.
    FixedLifetime,
    /// It fills ever more slowly. Its time: until 63 % are there.
    SaturatingCache,
    /// It fills evenly and then renews a part of itself. Its time: until it is full.
    FullCache,
    /// It fills and is emptied, over and over. Its time: the period.
    Sawtooth,
    /// It is taken at once. Its time: sixteen times as long as that lasts.
    Burst,
    /// More comes by day than by night, and goes in a quarter of a day. Its time: a day.
    DailyRhythm,
    /// What comes stays.
    PlainLeak,
    /// One in ten to one in a thousand stays of what comes. Its time: how long the others live.
    LeakUnderChurn,
    /// A part stays, by day more than by night. Its time: a day.
    LeakByDay,
    /// It grows in pieces. Its time: from one to the next.
    LeakInPieces,
}

impl Kind {
    pub(super) const ALL: [Self; 11] = [
        Self::SteadyPool,
        Self::FixedLifetime,
        Self::SaturatingCache,
        Self::FullCache,
        Self::Sawtooth,
        Self::Burst,
        Self::DailyRhythm,
        Self::PlainLeak,
        Self::LeakUnderChurn,
        Self::LeakByDay,
        Self::LeakInPieces,
    ];

    pub(super) const fn is_leak(self) -> bool {
        matches!(
            self,
            Self::PlainLeak | Self::LeakUnderChurn | Self::LeakByDay | Self::LeakInPieces
        )
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SteadyPool => "steady pool, lifetimes at random",
            Self::FixedLifetime => "steady pool, all lifetimes the same",
            Self::SaturatingCache => "saturating cache",
            Self::FullCache => "full cache that renews itself",
            Self::Sawtooth => "sawtooth",
            Self::Burst => "burst",
            Self::DailyRhythm => "daily rhythm",
            Self::PlainLeak => "**leak**, nothing else",
            Self::LeakUnderChurn => "**slow leak** under heavy churn",
            Self::LeakByDay => "**leak** with a daily rhythm",
            Self::LeakInPieces => "**leak** in pieces",
        }
    }
}
