//! A figure: what several runs measured, and what it should be.

use std::fmt;

/// What a figure counts, and how finely that is printed.
pub(super) struct Unit {
    name: &'static str,
    decimals: usize,
}

/// Seconds, to the millisecond.
pub(super) const SECONDS: Unit = Unit {
    name: "s",
    decimals: 3,
};
/// Millions of bytes.
pub(super) const MEGABYTES: Unit = Unit {
    name: "MB",
    decimals: 1,
};

/// The values of one kind, and their target.
pub(super) struct Figure {
    name: &'static str,
    unit: Unit,
    /// In ascending order.
    values: Vec<f64>,
    target: Option<f64>,
}

impl Figure {
    /// A figure without a target; there must be at least one value.
    pub(super) fn new(name: &'static str, unit: Unit, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            name,
            unit,
            values,
            target: None,
        }
    }

    /// The figure with an upper limit for its median.
    pub(super) fn at_most(self, target: f64) -> Self {
        Self {
            target: Some(target),
            ..self
        }
    }

    /// Whether the median is within the target, if there is one.
    pub(super) fn is_met(&self) -> bool {
        self.target.is_none_or(|target| self.median() <= target)
    }

    fn median(&self) -> f64 {
        let [low, high] = [(self.values.len() - 1) / 2, self.values.len() / 2];
        f64::midpoint(self.values[low], self.values[high])
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unit {
            name: unit,
            decimals,
        } = self.unit;
        let [least, most] = [self.values[0], self.values[self.values.len() - 1]];
        let range = format!("{least:.decimals$}..{most:.decimals$}");
        let outcome = if self.is_met() { "met" } else { "MISSED" };
        let target = self.target.map_or("no target".into(), |target| {
            format!("target <= {target} {unit}: {outcome}")
        });
        let median = self.median();
        write!(
            f,
            "{:<34} {median:>8.decimals$} {unit:<2}  {range:<14}  {target}",
            self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        assert_eq!(Figure::new("", SECONDS, vec![9.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(
            Figure::new("", SECONDS, vec![9.0, 1.0, 2.0, 3.0]).median(),
            2.5
        );
        assert_eq!(Figure::new("", SECONDS, vec![7.0]).median(), 7.0);
    }

    #[test]
    fn a_target_may_be_reached_but_not_passed() {
        assert!(Figure::new("", SECONDS, vec![1.0]).at_most(1.0).is_met());
        assert!(!Figure::new("", SECONDS, vec![1.001]).at_most(1.0).is_met());
        assert!(Figure::new("", SECONDS, vec![1.001]).is_met());
    }

    #[test]
    fn a_line_says_median_range_target_and_outcome() {
        let line = Figure::new("start", SECONDS, vec![0.5, 0.25, 2.0])
            .at_most(1.0)
            .to_string();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            "start 0.500 s 0.250..2.000 target <= 1 s: met"
        );
        let line = Figure::new("peak", MEGABYTES, vec![120.0])
            .at_most(100.0)
            .to_string();
        assert!(line.ends_with("target <= 100 MB: MISSED"), "{line}");
    }
}
