//! A figure: what several runs measured, and what it should be.

use serde::Serialize;

use super::spread::Spread;

/// What a figure counts, and how finely that is printed.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(into = "&'static str")]
pub(super) struct Unit {
    name: &'static str,
    decimals: usize,
}

impl From<Unit> for &'static str {
    fn from(unit: Unit) -> Self {
        unit.name
    }
}

const fn unit(name: &'static str, decimals: usize) -> Unit {
    Unit { name, decimals }
}

/// Seconds, to the millisecond.
pub(super) const SECONDS: Unit = unit("s", 3);
/// Millions of bytes.
pub(super) const MEGABYTES: Unit = unit("MB", 1);
/// Nanoseconds.
pub(super) const NANOSECONDS: Unit = unit("ns", 1);
/// Times as much as something else.
pub(super) const RATIO: Unit = unit("x", 3);
/// Hundredths.
pub(super) const PERCENT: Unit = unit("%", 2);
/// A number of things.
pub(super) const COUNT: Unit = unit("", 0);
/// A number of things in a second.
pub(super) const PER_SECOND: Unit = unit("/s", 0);

/// The values of one kind, and their target.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    name: String,
    unit: Unit,
    #[serde(flatten)]
    spread: Spread,
    target: Option<Target>,
    met: bool,
}

/// A limit of the median.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    /// A figure without a target; none without a value.
    pub(super) fn new(
        name: impl Into<String>,
        unit: Unit,
        values: impl IntoIterator<Item = f64>,
    ) -> Option<Self> {
        Some(Self {
            name: name.into(),
            unit,
            spread: Spread::of(values)?,
            target: None,
            met: true,
        })
    }

    /// The figure with an upper limit for its median.
    pub(super) fn at_most(self, limit: f64) -> Self {
        self.aiming_at(Target::AtMost(limit))
    }

    /// The figure with a lower limit for its median.
    pub(super) fn at_least(self, limit: f64) -> Self {
        self.aiming_at(Target::AtLeast(limit))
    }

    fn aiming_at(self, target: Target) -> Self {
        let met = match target {
            Target::AtMost(limit) => self.spread.median <= limit,
            Target::AtLeast(limit) => self.spread.median >= limit,
        };
        Self {
            target: Some(target),
            met,
            ..self
        }
    }

    /// Whether the median is within the target, if there is one.
    pub(super) fn is_met(&self) -> bool {
        self.met
    }

    /// Name, median, range, target and outcome.
    pub(super) fn row(&self) -> Vec<String> {
        let Unit { name, decimals } = self.unit;
        let Spread {
            median,
            least,
            most,
        } = self.spread;
        vec![
            self.name.clone(),
            format!("{median:.decimals$} {name}").trim_end().to_owned(),
            format!("{least:.decimals$}..{most:.decimals$}"),
            self.target
                .map_or_else(String::new, |target| target.spelled(name)),
            self.outcome().to_owned(),
        ]
    }

    fn outcome(&self) -> &'static str {
        match (self.target, self.met) {
            (None, _) => "",
            (_, true) => "met",
            (_, false) => "MISSED",
        }
    }
}

impl Target {
    fn spelled(self, unit: &str) -> String {
        let (sign, limit) = match self {
            Self::AtMost(limit) => ("<=", limit),
            Self::AtLeast(limit) => (">=", limit),
        };
        format!("{sign} {limit} {unit}").trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(values: &[f64]) -> Figure {
        Figure::new("start", SECONDS, values.iter().copied()).expect("values")
    }

    #[test]
    fn a_target_may_be_reached_but_not_passed() {
        assert!(figure(&[1.0]).at_most(1.0).is_met());
        assert!(!figure(&[1.001]).at_most(1.0).is_met());
        assert!(figure(&[1.0]).at_least(1.0).is_met());
        assert!(!figure(&[0.999]).at_least(1.0).is_met());
        assert!(figure(&[1.001]).is_met());
    }

    #[test]
    fn a_row_says_median_range_target_and_outcome() {
        let row = figure(&[0.5, 0.25, 2.0]).at_most(1.0).row();
        assert_eq!(row, ["start", "0.500 s", "0.250..2.000", "<= 1 s", "met"]);
        let row = figure(&[120.0]).at_most(100.0).row();
        assert_eq!(row[4], "MISSED");
        let row = figure(&[3.0]).row();
        assert_eq!(row[3..], ["", ""]);
    }
}
