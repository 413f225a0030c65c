//! Estimates that a few wild values cannot move, each with an interval that covers the true value
//! in 95 % of cases, whatever the values' distribution is.

/// A value, and between what it lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The slope of points by Theil and Sen: the median of the slopes of all pairs. Its interval is that
/// of Kendall's test, by its normal approximation.
///
/// P. K. Sen: Estimates of the regression coefficient based on Kendall's tau. Journal of the
/// American Statistical Association 63 (1968), 1379-1389.
pub(super) fn slope(points: &[(f64, f64)]) -> Option<Estimate> {
    let pairs = points.iter().enumerate().flat_map(|(index, a)| {
        let later = points.iter().skip(index + 1);
        later.map(move |b| (b.1 - a.1) / (b.0 - a.0))
    });
    let mut slopes: Vec<_> = pairs.filter(|slope| slope.is_finite()).collect();
    slopes.sort_by(f64::total_cmp);
    let (pairs, number) = (slopes.len() as f64, points.len() as f64);
    let spread = (number * (number - 1.0) * (2.0 * number + 5.0) / 18.0).sqrt();
    let below = ((pairs - 1.96 * spread) / 2.0).floor().max(0.0) as usize;
    between(&slopes, below)
}

/// The median. Its interval is that of the sign test: as many values lie on either side of the
/// median as a fair coin has heads.
///
/// W. J. Conover: Practical Nonparametric Statistics, 3rd edition, section 3.2.
pub(super) fn median(values: &[f64]) -> Option<Estimate> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let below = rank(values.len());
    between(&values, below)
}

/// How many of so many fair coins show heads in less than 2.5 % of cases.
fn rank(coins: usize) -> usize {
    let mut chance = 0.5_f64.powi(coins as i32);
    let mut sum = chance;
    let mut heads = 0;
    while sum <= 0.025 {
        heads += 1;
        chance *= (coins + 1 - heads) as f64 / heads as f64;
        sum += chance;
    }
    heads.saturating_sub(1)
}

/// The middle of sorted values, and those that have `below` beyond them.
fn between(sorted: &[f64], below: usize) -> Option<Estimate> {
    let from_below = |index: usize| sorted.get(index).copied();
    let from_above = |index: usize| sorted.iter().rev().nth(index).copied();
    let middle = sorted.len().saturating_sub(1) / 2;
    Some(Estimate {
        value: f64::midpoint(from_below(middle)?, from_above(middle)?),
        low: from_below(below)?,
        high: from_above(below)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_most_pairs() {
        let line: Vec<_> = (0..12_u8)
            .map(|x| (f64::from(x), 3.0 * f64::from(x)))
            .collect();
        let mut wild = line.clone();
        wild[3].1 = 1e9;
        let straight = Estimate {
            value: 3.0,
            low: 3.0,
            high: 3.0,
        };
        assert_eq!(slope(&line), Some(straight));
        assert_eq!(slope(&wild).map(|it| it.value), Some(3.0));
        assert_eq!(slope(&[(0.0, 1.0)]), None);
    }

    #[test]
    fn ranks_are_those_of_the_tables() {
        let ranks = [6, 9, 12, 16, 25, 50].map(rank);
        assert_eq!(ranks, [0, 1, 2, 3, 7, 17]);
    }

    #[test]
    fn a_median_lies_between_values() {
        let values: Vec<_> = (1..=12_u8).map(f64::from).collect();
        let median = median(&values);
        let expected = Estimate {
            value: 6.5,
            low: 3.0,
            high: 10.0,
        };
        assert_eq!(median, Some(expected));
        assert_eq!(super::median(&[]), None);
    }
}
