//! Workloads under a tracer against the same workloads without, pair by pair.

use std::iter::zip;

use serde::Serialize;

use super::rounds::Rounds;
use super::spread::Spread;
use super::workload::Load;

/// One workload under one variant.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    #[serde(flatten)]
    pub(super) load: Load,
    pub(super) variant: &'static str,
    pub(super) is_peer: bool,
    /// Nanoseconds of an operation.
    pub(super) nanoseconds: Spread,
    /// Against the untraced run of the same round.
    pub(super) ratios: Vec<f64>,
    /// Nanoseconds more than in the untraced run of the same round.
    pub(super) added: Vec<f64>,
    ratio: Spread,
    added_nanoseconds: Spread,
}

impl Comparison {
    /// Each load under each variant, the first of which is no tracer; none without a round.
    pub(super) fn all(rounds: &Rounds<'_>) -> Option<Vec<Self>> {
        let loads = zip(rounds.loads, &rounds.nanoseconds);
        let of_load = |(load, by_variant): (&Load, &'_ Vec<Vec<f64>>)| {
            let untraced = &by_variant[0];
            let variants = zip(rounds.variants, by_variant);
            let all = variants.map(|(variant, values)| {
                Self::of(*load, variant.name, variant.is_peer(), untraced, values)
            });
            all.collect::<Vec<_>>()
        };
        loads.flat_map(of_load).collect()
    }

    fn of(
        load: Load,
        variant: &'static str,
        is_peer: bool,
        untraced: &[f64],
        values: &[f64],
    ) -> Option<Self> {
        let pairs = || zip(values, untraced);
        let ratios: Vec<_> = pairs().map(|(value, untraced)| value / untraced).collect();
        let added: Vec<_> = pairs().map(|(value, untraced)| value - untraced).collect();
        Some(Self {
            load,
            variant,
            is_peer,
            nanoseconds: Spread::of(values.iter().copied())?,
            ratio: Spread::of(ratios.iter().copied())?,
            added_nanoseconds: Spread::of(added.iter().copied())?,
            ratios,
            added,
        })
    }

    /// Median ratio, its range, and the median of what is added.
    pub(super) fn cell(&self) -> String {
        let Spread {
            median,
            least,
            most,
        } = self.ratio;
        let added = self.added_nanoseconds.median;
        format!("{median:.2} ({least:.2}..{most:.2}) {added:+.0} ns")
    }
}

/// What pagetrace adds to an operation, as a share of what the cheapest peer adds: round by round,
/// without rounds in which that peer adds nothing. The peer with it; none without peers.
pub(super) fn shares_of_cheapest_peer(
    own: &Comparison,
    all: &[Comparison],
) -> Option<(&'static str, Vec<f64>)> {
    let name = own.load.name();
    let peers = all
        .iter()
        .filter(|other| other.is_peer && other.load.name() == name);
    let median = |peer: &Comparison| peer.added_nanoseconds.median;
    let cheapest = peers.min_by(|a, b| median(a).total_cmp(&median(b)))?;
    let pairs = zip(&own.added, &cheapest.added).filter(|(_, peer)| **peer > 0.0);
    let shares = pairs.map(|(own, peer)| own.max(0.0) / peer).collect();
    Some((cheapest.variant, shares))
}

#[cfg(test)]
mod tests {
    use super::super::workload::PIPES;
    use super::*;

    const LOAD: Load = Load {
        workload: &PIPES,
        threads: 1,
    };

    fn compare(variant: &'static str, is_peer: bool, values: &[f64]) -> Comparison {
        let untraced = [100.0, 200.0, 100.0];
        Comparison::of(LOAD, variant, is_peer, &untraced, values).expect("values")
    }

    #[test]
    fn each_value_is_compared_with_the_untraced_one_of_its_round() {
        let comparison = compare("x", false, &[110.0, 220.0, 130.0]);
        assert_eq!(comparison.ratios, [1.1, 1.1, 1.3]);
        assert_eq!(comparison.added, [10.0, 20.0, 30.0]);
        assert_eq!(comparison.cell(), "1.10 (1.10..1.30) +20 ns");
    }

    #[test]
    fn the_cheapest_peer_counts_and_only_where_it_costs_something() {
        let all = [
            compare("own", false, &[110.0, 190.0, 110.0]),
            compare("dear", true, &[900.0, 900.0, 900.0]),
            compare("cheap", true, &[200.0, 400.0, 90.0]),
        ];
        let shares = shares_of_cheapest_peer(&all[0], &all);
        assert_eq!(shares, Some(("cheap", vec![0.1, 0.0])));
        assert_eq!(shares_of_cheapest_peer(&all[0], &all[..1]), None);
    }
}
