//! Random sites and random series of known shapes, and how often the rule is wrong about them.

use std::{collections::BTreeMap, f64::consts::TAU, fmt::Write as _};

use fastrand::Rng;

use super::{
    series,
    shape::{Left, SLICES, Shape},
};
use crate::model::TrendVerdict;

/// Moments of a recording at which pages are taken.
const MOMENTS: usize = 512;

/// The drain, as a part of the recording.
const DRAIN: f64 = 0.25;

/// What memory can do. Each has a time of its own: a lifetime, a period, the time to fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    SteadyPool,
    FixedLifetime,
    SaturatingCache,
    FullCache,
    Sawtooth,
    Burst,
    DailyRhythm,
    PlainLeak,
    LeakUnderChurn,
    LeakByDay,
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
            Self::SteadyPool => "steady pool, any lifetimes",
            Self::FixedLifetime => "steady pool, one lifetime",
            Self::SaturatingCache => "saturating cache",
            Self::FullCache => "saturating cache that renews itself",
            Self::Sawtooth => "sawtooth",
            Self::Burst => "burst",
            Self::DailyRhythm => "daily rhythm",
            Self::PlainLeak => "leak, nothing else",
            Self::LeakUnderChurn => "slow leak under heavy churn",
            Self::LeakByDay => "leak with a daily rhythm",
            Self::LeakInPieces => "leak in pieces",
        }
    }
}

/// One site: what is taken at a time, and for how long it stays. Time runs from 0 to the end of
/// the recording, 1.
struct Site {
    kind: Kind,
    /// Its own time.
    time: f64,
    phase: f64,
    /// Allocations in the recording.
    allocations: f64,
    /// Those of them that leak.
    leaked: f64,
}

impl Site {
    fn random(kind: Kind, windows: f64, random: &mut Rng) -> Self {
        let mut between = |low: f64, high: f64| low * (high / low).powf(random.f64());
        let leaked = between(64.0, 6400.0);
        let churn = match kind {
            Kind::LeakUnderChurn => between(10.0, 1000.0) * leaked,
            Kind::LeakByDay => between(0.1, 10.0) * leaked,
            _ => between(100.0, 30_000.0),
        };
        Self {
            kind,
            time: (1.0 + DRAIN) / windows,
            phase: random.f64(),
            allocations: churn,
            leaked,
        }
    }

    /// How much is taken at a time, 1 on average, beside what leaks.
    fn taken(&self, at: f64) -> f64 {
        let day = 1.0 + 0.9 * (TAU * (at / self.time + self.phase)).cos();
        let since = at - 0.2 * self.phase;
        match self.kind {
            Kind::SaturatingCache | Kind::FullCache if since < 0.0 => 0.0,
            Kind::SaturatingCache => (-since / self.time).exp() / self.time,
            Kind::FullCache => 1.0,
            Kind::Burst => {
                let end = 0.7 * self.phase;
                let is_now = at <= end && at >= end - self.time / 16.0;
                if is_now || at * MOMENTS as f64 <= 1.0 && end < self.time / 16.0 { 10.0 } else { 0.0 }
            }
            Kind::DailyRhythm | Kind::LeakByDay => day,
            Kind::PlainLeak | Kind::LeakInPieces => 0.0,
            _ => 1.0,
        }
    }

    /// Which share of what is taken at a time is left.
    fn left(&self, at: f64) -> f64 {
        let age = 1.0 + DRAIN - at;
        match self.kind {
            Kind::FixedLifetime => f64::from(u8::from(age < self.time)),
            Kind::Sawtooth => {
                let period = |time: f64| (time / self.time + self.phase).floor();
                f64::from(u8::from(period(at) == period(1.0 + DRAIN)))
            }
            Kind::SaturatingCache | Kind::Burst => 1.0,
            // It is filled, and each page stays for long then or is replaced by the next.
            Kind::FullCache => {
                let since = at - 0.2 * self.phase;
                if since < self.time { 0.7 } else { (-age / self.time * 8.0).exp() }
            }
            Kind::DailyRhythm | Kind::LeakByDay => (-age / (self.time / 4.0)).exp(),
            _ => (-age / self.time).exp(),
        }
    }

    /// How much leaks at a time.
    fn leaks(&self, at: f64) -> f64 {
        match self.kind {
            Kind::PlainLeak | Kind::LeakUnderChurn => 1.0,
            Kind::LeakByDay => self.taken(at),
            Kind::LeakInPieces => {
                let before = at - 1.0 / MOMENTS as f64;
                let piece = |time: f64| (time / self.time + self.phase).floor();
                if piece(at) == piece(before) { 0.0 } else { self.time * MOMENTS as f64 }
            }
            _ => 0.0,
        }
    }
}

/// What a trace sees of one.
pub(super) fn trace(kind: Kind, windows: f64, random: &mut Rng) -> Left {
    let site = Site::random(kind, windows, random);
    let unrest = 0.6 * random.f64();
    let (mut taken, mut slices) = (0.0, [0.0; SLICES]);
    for moment in 0..MOMENTS {
        let at = (moment as f64 + 0.5) / MOMENTS as f64;
        let load = (unrest * normal(random) - unrest * unrest / 2.0).exp() / MOMENTS as f64;
        let allocations = poisson(site.allocations * site.taken(at) * load, random);
        let leaked = poisson(site.leaked * site.leaks(at) * load, random);
        taken += allocations + leaked;
        let left = binomial(allocations, site.left(at), random);
        slices[moment * SLICES / MOMENTS] += left + leaked;
    }
    let left = slices.iter().sum::<f64>();
    Left {
        slices,
        allocations: left,
        share: Some(left / f64::max(taken, 1.0)),
        drain: DRAIN,
    }
}

fn normal(random: &mut Rng) -> f64 {
    (0..12).map(|_| random.f64()).sum::<f64>() - 6.0
}

fn poisson(mean: f64, random: &mut Rng) -> f64 {
    if mean > 30.0 {
        return (mean + mean.sqrt() * normal(random)).round().max(0.0);
    }
    let (mut number, mut product) = (0.0, random.f64());
    let limit = (-mean).exp();
    while product > limit {
        number += 1.0;
        product *= random.f64();
    }
    number
}

fn binomial(number: f64, share: f64, random: &mut Rng) -> f64 {
    let mean = number * share;
    if mean > 30.0 && number - mean > 30.0 {
        let spread = (mean * (1.0 - share)).sqrt();
        return (mean + spread * normal(random)).round().clamp(0.0, number);
    }
    if share <= 0.0 || share >= 1.0 {
        return mean;
    }
    if share < 0.05 || number > 1000.0 {
        return poisson(mean, random).min(number);
    }
    (0..number as u64).map(|_| f64::from(u8::from(random.f64() < share))).sum()
}

/// What samples show of one: the amount in use at each of so many moments, beside the rest of a
/// machine, which wavers a little.
pub(super) fn samples(kind: Kind, windows: f64, random: &mut Rng) -> Vec<(f64, f64)> {
    let number = 64 + random.usize(..512);
    let between = |low: f64, high: f64, random: &mut Rng| low * (high / low).powf(random.f64());
    let (time, phase) = (1.0 / windows, random.f64());
    let noise = between(0.001, 0.1, random);
    let leak = windows * between(0.5, 5.0, random);
    let mut wander = normal(random);
    let mut sample = |number_of: usize| {
        let at = number_of as f64 / number as f64;
        let keep = (-windows / number as f64).exp();
        wander = wander * keep + (1.0 - keep * keep).sqrt() * normal(random);
        let since = (at - 0.2 * phase).max(0.0);
        let day = (TAU * (at * windows + phase)).cos();
        let known = match kind {
            Kind::SteadyPool | Kind::FixedLifetime => wander,
            Kind::SaturatingCache => 10.0 * (1.0 - (-since / time).exp()),
            Kind::FullCache => 10.0 * (since / time).min(1.0) + 0.3 * wander,
            Kind::Sawtooth => (at * windows + phase).fract(),
            Kind::Burst => ((at - 0.7 * phase) / time * 16.0).clamp(0.0, 1.0),
            Kind::DailyRhythm => day + 0.1 * wander,
            Kind::PlainLeak => leak * at,
            Kind::LeakUnderChurn => leak * at + wander,
            Kind::LeakByDay => leak * (at + day / windows / TAU * 0.9) + 0.3 * day,
            Kind::LeakInPieces => leak * (at * windows + phase).floor() / windows,
        };
        (at, 100.0 + known + noise * normal(random))
    };
    (0..number).map(&mut sample).collect()
}

/// Window lengths, in the own time of what is looked at.
pub(super) const WINDOWS: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

pub(super) fn table(number: usize) -> String {
    both(number, |kind, windows, random| trace(kind, windows, random).shape())
        + "\n" + &both(number, |kind, windows, random| series::shape(&samples(kind, windows, random)).unwrap().0)
}
fn both(number: usize, shape: impl Fn(Kind, f64, &mut Rng) -> Shape) -> String {
    let mut random = Rng::with_seed(1);
    let mut text = String::new();
    for kind in Kind::ALL {
        for windows in WINDOWS {
            let mut verdicts = BTreeMap::<_, usize>::new();
            for _ in 0..number {
                let Shape { verdict, doubt, .. } = shape(kind, windows, &mut random);
                *verdicts.entry((verdict, doubt)).or_default() += 1;
            }
            write!(text, "{:36} {windows:5}", kind.name()).expect("");
            for (v, n) in verdicts {
                let share = n as f64 / number as f64 * 100.0;
                match v {
                    (TrendVerdict::Undecided, Some(d)) => write!(text, " {d:?}? {share:.2}").expect(""),
                    (v, _) => write!(text, " {}{v:?} {share:.2}", if (v == TrendVerdict::Growing) != kind.is_leak() && v!=TrendVerdict::Undecided {"!!"} else {""}).expect(""),
                }
            }
            writeln!(text).expect("");
        }
    }
    text
}
