//! Samples of an amount over time: what of it has never gone away since is what is left.

use std::array;

use super::{
    estimate::{Estimate, slope},
    shape::{Left, SLICES, Shape},
};
use crate::model::{Doubt, TrendVerdict};

/// The shape of samples (a time, an amount) in order, and by how much the amount changes in a unit
/// of time; none if some slice of the time has no sample.
///
/// Only the least of each slice counts, so what comes and goes within it does not.
pub(super) fn shape(samples: &[(f64, f64)]) -> Option<(Shape, Estimate)> {
    let lowest = lowest(samples)?;
    let slope = slope(&lowest)?;
    let late = self::slope(lowest.get(SLICES / 2..)?)?;
    let left = Left {
        slices: left(&lowest.map(|(_, amount)| amount)),
        allocations: f64::INFINITY,
        share: None,
        drain: 0.0,
    };
    let shape = if slope.low <= 0.0 {
        flat(&left, slope.high * length(samples)?, range(samples))
    } else {
        rising(&left, slope, late)
    };
    Some((shape, slope))
}

/// An amount that does not rise for sure: it does not if what it can rise by is little beside what
/// comes and goes.
fn flat(left: &Left, rise: f64, range: f64) -> Shape {
    if rise <= range / 3.0 {
        left.is(TrendVerdict::TurnsOver)
    } else {
        left.doubt(Doubt::Irregular, 4.0)
    }
}

/// An amount that rises. That it has stopped must be seen in its slope, too.
fn rising(left: &Left, slope: Estimate, late: Estimate) -> Shape {
    let has_stopped = late.high <= slope.value / 2.0;
    let shape = left.shape();
    match shape.verdict {
        TrendVerdict::LevelledOff | TrendVerdict::OneBurst if !has_stopped => {
            left.doubt(Doubt::Irregular, 4.0)
        }
        TrendVerdict::TurnsOver => left.doubt(Doubt::Recent, 4.0),
        _ => shape,
    }
}

fn length(samples: &[(f64, f64)]) -> Option<f64> {
    Some(samples.last()?.0 - samples.first()?.0)
}

/// Between the least and the most.
fn range(samples: &[(f64, f64)]) -> f64 {
    let amounts = samples.iter().map(|(_, amount)| *amount);
    amounts.clone().fold(f64::MIN, f64::max) - amounts.fold(f64::MAX, f64::min)
}

/// The lowest sample of each slice.
fn lowest(samples: &[(f64, f64)]) -> Option<[(f64, f64); SLICES]> {
    let (start, length) = (samples.first()?.0, length(samples)?);
    let mut lowest = [None::<(f64, f64)>; SLICES];
    for &sample in samples {
        let slice = (sample.0 - start) / length * SLICES as f64;
        let lowest = lowest.get_mut((slice as usize).min(SLICES - 1))?;
        if lowest.is_none_or(|lowest| sample.1 < lowest.1) {
            *lowest = Some(sample);
        }
    }
    let lowest: Vec<_> = lowest.into_iter().flatten().collect();
    lowest.try_into().ok()
}

/// By how much each slice raises what the amount never falls below again.
fn left(lowest: &[f64; SLICES]) -> [f64; SLICES] {
    let mut floor = *lowest;
    for slice in (1..SLICES).rev() {
        floor[slice - 1] = floor[slice - 1].min(floor[slice]);
    }
    let rise = |slice: usize| floor[slice] - floor[slice - 1];
    // What the first one adds is not known: as much as the second.
    array::from_fn(|slice| rise(slice.max(1)))
}
