//! A figure: what several runs measured, and what it should be.

use serde::Serialize;

/// The median of some values, and how far they are apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of at least one value.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let [low, high] = [(values.len() - 1) / 2, values.len() / 2];
        Some(Self {
            median: f64::midpoint(values[low], values[high]),
            least,
            most,
        })
    }

    /// The median, and the range unless it is one value.
    pub(super) fn cell(&self, decimals: usize) -> String {
        let Self {
            median,
            least,
            most,
        } = self;
        if least == most {
            return format!("{median:.decimals$}");
        }
        format!("{median:.decimals$} ({least:.decimals$}..{most:.decimals$})")
    }
}

/// The values of one kind, and the limit of their median.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    name: String,
    unit: &'static str,
    #[serde(flatten)]
    spread: Spread,
    limit: Limit,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    /// Whether the median is within the limit.
    pub(super) fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.spread.median <= limit,
            Limit::AtLeast(limit) => self.spread.median >= limit,
        }
    }

    /// The names of the cells.
    pub(super) const HEADER: [&str; 4] = ["", "measured", "target", "outcome"];

    /// The cells of a table.
    pub(super) fn row(&self) -> Vec<String> {
        let unit = self.unit;
        let limit = match self.limit {
            Limit::AtMost(limit) => format!("<= {limit} {unit}"),
            Limit::AtLeast(limit) => format!(">= {limit} {unit}"),
        };
        let measured = format!("{} {unit}", self.spread.cell(3));
        let outcome = if self.is_met() { "met" } else { "MISSED" };
        vec![self.name.clone(), measured, limit, outcome.to_owned()]
    }
}

/// All figures.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Figures(pub(super) Vec<Figure>);

impl Figures {
    /// Adds a figure, unless it has no value.
    pub(super) fn add(
        &mut self,
        name: impl Into<String>,
        limit: Limit,
        unit: &'static str,
        values: impl IntoIterator<Item = f64>,
    ) {
        let name = name.into();
        self.0.extend(Spread::of(values).map(|spread| Figure {
            name,
            unit,
            spread,
            limit,
        }));
    }

    /// How many of the targets were missed.
    pub(super) fn missed(&self) -> usize {
        self.0.iter().filter(|it| !it.is_met()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        let median = |values: &[f64]| Spread::of(values.iter().copied()).map(|it| it.median);
        assert_eq!(median(&[9.0, -1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[9.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_limit_may_be_reached_but_not_passed() {
        let mut figures = Figures::default();
        figures.add("", Limit::AtMost(1.0), "s", [1.0]);
        figures.add("", Limit::AtLeast(1.0), "s", [1.0]);
        assert_eq!(figures.missed(), 0);
        figures.add("", Limit::AtMost(1.0), "s", [1.001]);
        figures.add("", Limit::AtLeast(1.0), "s", [0.999]);
        assert_eq!(figures.missed(), 2);
    }

    #[test]
    fn a_row_says_what_was_measured_the_limit_and_the_outcome() {
        let mut figures = Figures::default();
        figures.add("start", Limit::AtMost(1.0), "s", [0.5, 0.25, 2.0]);
        let row = figures.0[0].row();
        assert_eq!(row, ["start", "0.500 (0.250..2.000) s", "<= 1 s", "met"]);
    }
}
