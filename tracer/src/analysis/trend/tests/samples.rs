//! Random series of samples.

use std::f64::consts::TAU;

use fastrand::Rng;

use super::{
    chance::{between, normal},
    kind::Kind,
};

/// An amount in use at many moments of a window of so many times its own time, beside the rest of
/// a machine, which wavers a little.
pub(super) fn samples(kind: Kind, windows: f64, random: &mut Rng) -> Vec<(f64, f64)> {
    let number = 64 + random.usize(..512);
    let phase = random.f64();
    let noise = between(0.001, 0.1, random);
    // In the own time; what comes and goes is 1.
    let leak = between(0.5, 5.0, random);
    let mut pool = normal(random);
    let sample = |index: usize| {
        let time = index as f64 / number as f64 * windows;
        // What is the same after so long: of an Ornstein-Uhlenbeck process.
        let kept = (-windows / number as f64).exp();
        pool = pool * kept + (1.0 - kept * kept).sqrt() * normal(random);
        let amount = amount(kind, time, windows, phase, leak, pool);
        (time / windows, 100.0 + amount + noise * normal(random))
    };
    (0..number).map(sample).collect()
}

fn amount(kind: Kind, time: f64, windows: f64, phase: f64, leak: f64, pool: f64) -> f64 {
    let since = (time - 0.2 * phase * windows).max(0.0);
    let day = TAU * (time + phase);
    match kind {
        Kind::SteadyPool | Kind::FixedLifetime => pool,
        Kind::SaturatingCache => 10.0 * (1.0 - (-since).exp()),
        Kind::FullCache => 10.0 * since.min(1.0) + 0.3 * pool,
        Kind::Sawtooth => (time + phase).fract(),
        Kind::Burst => ((time - 0.7 * phase * windows) * 16.0).clamp(0.0, 1.0),
        Kind::DailyRhythm => day.cos() + 0.1 * pool,
        Kind::PlainLeak => leak * time,
        Kind::LeakUnderChurn => leak * time + pool,
        Kind::LeakByDay => leak * (time + 0.9 * day.sin() / TAU) + 0.3 * day.cos(),
        Kind::LeakInPieces => leak * (time + phase).floor(),
    }
}
