//! Random numbers of the distributions that allocations have.

use fastrand::Rng;

/// One that is as likely to be in any octave between two bounds.
pub(super) fn between(low: f64, high: f64, random: &mut Rng) -> f64 {
    low * (high / low).powf(random.f64())
}

/// One of mean 0 and variance 1, nearly normal: the sum of twelve.
pub(super) fn normal(random: &mut Rng) -> f64 {
    (0..12).map(|_| random.f64()).sum::<f64>() - 6.0
}

/// How often something happens that happens so often on average.
pub(super) fn poisson(mean: f64, random: &mut Rng) -> f64 {
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

/// How many of so many are left if each has the same chance.
pub(super) fn binomial(number: f64, chance: f64, random: &mut Rng) -> f64 {
    let mean = number * chance;
    if chance <= 0.0 || chance >= 1.0 {
        return mean;
    }
    if mean > 30.0 && number - mean > 30.0 {
        let spread = (mean * (1.0 - chance)).sqrt();
        return (mean + spread * normal(random)).round().clamp(0.0, number);
    }
    if chance < 0.05 || number > 1000.0 {
        return poisson(mean, random).min(number);
    }
    let left = (0..number as u64).filter(|_| random.f64() < chance);
    left.count() as f64
}
