//! How often programs ran, and how long.

use std::collections::BTreeMap;

use aya::programs::loaded_programs;

use super::descriptors::Held;
use crate::readings::Runs;

/// By the names that the kernel keeps.
type Programs = BTreeMap<String, Runs>;

/// The programs that a process holds, as they are now.
pub(super) fn now(held: &Held) -> Programs {
    let programs = loaded_programs().flatten();
    let held = programs.filter(|program| held.programs.contains(&program.id()));
    held.map(|program| {
        let runs = Runs {
            runs: program.run_count(),
            nanoseconds: program.run_time().as_nanos() as u64,
        };
        (program.name_as_str().unwrap_or_default().to_owned(), runs)
    })
    .collect()
}

/// Those of them that ran since.
pub(super) fn since(before: &Programs, after: Programs) -> Programs {
    let ran = after.into_iter().map(|(name, runs)| {
        let before = before.get(&name).copied().unwrap_or_default();
        (name, runs - before)
    });
    ran.filter(|(_, ran)| ran.runs > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_run_is_left_out() {
        let runs = |runs, nanoseconds| Runs { runs, nanoseconds };
        let at =
            |alloc, free| Programs::from([("alloc".to_owned(), alloc), ("free".to_owned(), free)]);
        let ran = since(
            &at(runs(2, 100), runs(3, 90)),
            at(runs(5, 400), runs(3, 90)),
        );
        assert_eq!(ran, Programs::from([("alloc".to_owned(), runs(3, 300))]));
    }
}
