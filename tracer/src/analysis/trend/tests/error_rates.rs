//! How often the rule is wrong about random sites and series: the tables of docs/verdicts.md.

use std::fmt::Write as _;

use fastrand::Rng;

use super::{kind::Kind, samples::samples, site};
use crate::{
    analysis::trend::{series, shape::Shape},
    model::TrendVerdict,
};

/// Windows, in the own time of what is looked at.
const WINDOWS: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// How many of how many were told wrong, and not at all.
#[derive(Clone, Copy, Debug, Default)]
struct Errors {
    number: usize,
    wrong: usize,
    undecided: usize,
}

impl Errors {
    fn of(
        kind: Kind,
        windows: f64,
        number: usize,
        shape: fn(Kind, f64, &mut Rng) -> Shape,
    ) -> Self {
        let mut random = Rng::with_seed(12);
        let mut errors = Self {
            number,
            ..Self::default()
        };
        for _ in 0..number {
            match shape(kind, windows, &mut random).verdict {
                TrendVerdict::Undecided => errors.undecided += 1,
                verdict if (verdict == TrendVerdict::Growing) != kind.is_leak() => {
                    errors.wrong += 1;
                }
                _ => (),
            }
        }
        errors
    }

    fn wrong_share(self) -> f64 {
        self.wrong as f64 / self.number as f64
    }

    fn undecided_share(self) -> f64 {
        self.undecided as f64 / self.number as f64
    }
}

fn traced(kind: Kind, windows: f64, random: &mut Rng) -> Shape {
    site::left(kind, windows, random).shape()
}

fn sampled(kind: Kind, windows: f64, random: &mut Rng) -> Shape {
    let samples = samples(kind, windows, random);
    let (shape, _) = series::shape(&samples).expect("every sixteenth has samples");
    shape
}

fn table(number: usize, shape: fn(Kind, f64, &mut Rng) -> Shape) -> String {
    let windows = WINDOWS.map(|windows| format!(" {windows} |")).concat();
    let mut table = format!(
        "| window |{windows}\n|---|{}\n",
        "---|".repeat(WINDOWS.len())
    );
    for kind in Kind::ALL {
        let cells = WINDOWS.map(|windows| {
            let errors = Errors::of(kind, windows, number, shape);
            let [wrong, undecided] =
                [errors.wrong_share(), errors.undecided_share()].map(|it| it * 100.0);
            format!(" {wrong:.1} ({undecided:.0}) |")
        });
        writeln!(table, "| {} |{}", kind.name(), cells.concat()).expect("a string takes it");
    }
    table
}

/// `cargo test -p pagetrace --lib error_rates -- --ignored --nocapture`
#[test]
#[ignore = "takes a minute: prints the tables of docs/verdicts.md"]
#[expect(clippy::print_stdout, reason = "it is what the reader runs it for")]
fn print_error_rates_of_10_000_random_series() {
    println!("{}\n{}", table(10_000, traced), table(10_000, sampled));
}

#[test]
fn a_window_that_is_long_enough_is_hardly_ever_wrong() {
    for kind in Kind::ALL {
        for shape in [traced, sampled] {
            let errors = Errors::of(kind, 16.0, 300, shape);
            assert!(errors.wrong <= 1, "{kind:?}: {errors:?}");
        }
    }
}

/// Pages that outlive the window, caches that fill for longer: there growth cannot be told from a
/// leak. These bounds are what docs/verdicts.md promises.
#[test]
fn no_leak_is_found_in_twice_the_own_time_of_what_is_none() {
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_leak()) {
        for windows in [2.0, 4.0, 8.0] {
            let errors = Errors::of(kind, windows, 300, traced);
            assert!(errors.wrong_share() < 0.03, "{kind:?}: {errors:?}");
        }
    }
}

#[test]
fn a_leak_under_churn_is_never_acquitted() {
    for windows in WINDOWS {
        let errors = Errors::of(Kind::LeakUnderChurn, windows, 300, traced);
        assert_eq!(errors.wrong, 0, "{windows}");
    }
    let long = Errors::of(Kind::LeakUnderChurn, 16.0, 300, traced);
    assert!(long.undecided_share() < 0.1, "{long:?}");
}
