//! Random call sites, as a trace sees them.

use std::f64::consts::TAU;

use fastrand::Rng;

use super::{
    chance::{between, binomial, normal, poisson},
    kind::Kind,
};
use crate::analysis::trend::shape::{Left, SLICES};

/// Moments of a recording at which pages are taken.
const MOMENTS: usize = 512;

/// The drain, as a part of the recording: a fifth of the window.
const DRAIN: f64 = 0.25;

/// What is taken at a time, and for how long it stays. Time runs from 0 to the end of the
/// recording, 1.
struct Site {
    kind: Kind,
    /// Its own time.
    time: f64,
    phase: f64,
    /// Allocations in the recording that do not leak.
    allocations: f64,
    /// Those that do.
    leaked: f64,
}

/// What is left of a random site after a window of so many times its own time. A leak of which
/// nothing is left is no site of a report.
pub(super) fn left(kind: Kind, windows: f64, random: &mut Rng) -> Left {
    loop {
        let left = site(kind, windows, random).left(random);
        if left.allocations > 0.0 || !kind.is_leak() {
            return left;
        }
    }
}

fn site(kind: Kind, windows: f64, random: &mut Rng) -> Site {
    let leaked = between(64.0, 6400.0, random);
    Site {
        kind,
        time: (1.0 + DRAIN) / windows,
        phase: random.f64(),
        allocations: match kind {
            Kind::LeakUnderChurn => between(10.0, 1000.0, random) * leaked,
            Kind::LeakByDay => between(0.1, 10.0, random) * leaked,
            _ => between(100.0, 30_000.0, random),
        },
        leaked,
    }
}

impl Site {
    fn left(&self, random: &mut Rng) -> Left {
        let unrest = 0.6 * random.f64();
        let (mut taken, mut slices) = (0.0, [0.0; SLICES]);
        for moment in 0..MOMENTS {
            let at = (moment as f64 + 0.5) / MOMENTS as f64;
            let load = (unrest * normal(random) - unrest * unrest / 2.0).exp() / MOMENTS as f64;
            let allocations = poisson(self.allocations * self.taken(at) * load, random);
            let leaked = poisson(self.leaked * self.leaks(at) * load, random);
            taken += allocations + leaked;
            slices[moment * SLICES / MOMENTS] +=
                leaked + binomial(allocations, self.stays(at), random);
        }
        let left = slices.iter().sum::<f64>();
        Left {
            slices,
            allocations: left,
            share: Some(left / f64::max(taken, 1.0)),
            drain: DRAIN,
        }
    }

    /// How much is taken at a time beside what leaks, 1 on average.
    fn taken(&self, at: f64) -> f64 {
        match self.kind {
            Kind::SaturatingCache | Kind::FullCache if self.since(at) < 0.0 => 0.0,
            Kind::SaturatingCache => (-self.since(at) / self.time).exp() / self.time,
            Kind::Burst => self.burst(at),
            Kind::DailyRhythm | Kind::LeakByDay => self.day(at),
            Kind::PlainLeak | Kind::LeakInPieces => 0.0,
            _ => 1.0,
        }
    }

    /// Which share of what is taken at a time is left at the end of the window.
    fn stays(&self, at: f64) -> f64 {
        let end = 1.0 + DRAIN;
        let age = end - at;
        match self.kind {
            Kind::FixedLifetime if age < self.time => 1.0,
            Kind::Sawtooth if self.period(at) == self.period(end) => 1.0,
            Kind::FixedLifetime | Kind::Sawtooth => 0.0,
            Kind::SaturatingCache | Kind::Burst => 1.0,
            Kind::FullCache if self.since(at) < self.time => 0.7,
            Kind::FullCache => (-age / self.time * 8.0).exp(),
            Kind::DailyRhythm | Kind::LeakByDay => (-age / self.time * 4.0).exp(),
            _ => (-age / self.time).exp(),
        }
    }

    /// How much leaks at a time, 1 on average.
    fn leaks(&self, at: f64) -> f64 {
        let before = at - 1.0 / MOMENTS as f64;
        match self.kind {
            Kind::PlainLeak | Kind::LeakUnderChurn => 1.0,
            Kind::LeakByDay => self.day(at),
            Kind::LeakInPieces if self.period(at) != self.period(before) => {
                self.time * MOMENTS as f64
            }
            _ => 0.0,
        }
    }

    /// How long ago it began to be filled.
    fn since(&self, at: f64) -> f64 {
        at - 0.2 * self.phase
    }

    fn period(&self, at: f64) -> f64 {
        (at / self.time + self.phase).floor()
    }

    fn day(&self, at: f64) -> f64 {
        1.0 + 0.9 * (TAU * (at / self.time + self.phase)).cos()
    }

    fn burst(&self, at: f64) -> f64 {
        let start = 0.7 * self.phase;
        let length = (self.time / 16.0).max(1.0 / MOMENTS as f64);
        if (start..start + length).contains(&at) {
            1.0 / length
        } else {
            0.0
        }
    }
}
