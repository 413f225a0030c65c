//! Which of the stacks that are unwound by rules the kernel unwinds too.

use pagetrace_tests::{
    harness::{root_or_skip, stay_on},
    model::{MadeUpStack, Programs, Settings},
};
use tracer_ebpf::FIRST_SITE;

const STACK: MadeUpStack = MadeUpStack::of(0xffff_ffff_8123_4567);

/// Programs that unwind such stacks by a rule, with a site for each of so many gfp flags.
fn programs(check_every: u32, sites: u32) -> Programs {
    let settings = Settings {
        check_every: Some(check_every),
        ..Settings::new(1, sites)
    };
    let mut programs = Programs::load(settings).expect("root may load the programs");
    programs.know(STACK).expect("a rule");
    for gfp in 0..sites {
        let key = STACK.key(0, gfp);
        programs.add_key(key, FIRST_SITE + gfp).expect("a key");
    }
    programs
}

#[test]
fn a_load_with_a_period_is_checked_at_each_of_its_places() {
    let Some(_machine) = root_or_skip("a_load_with_a_period_is_checked_at_each_of_its_places")
    else {
        return;
    };
    // Each CPU draws for itself.
    stay_on(0);
    for period in [2, 8, 16] {
        let programs = programs(period, period);
        // Thirty checks of each place on average: that one has none happens once in 10^12 runs.
        let rounds = 30 * u64::from(period);
        let mut checks = vec![0; period as usize];
        let mut before = 0;
        for _ in 0..rounds {
            for (gfp, checks) in (0..).zip(&mut checks) {
                programs
                    .allocate(0, gfp, &STACK)
                    .expect("the kernel runs it");
                let unwinds = programs.counters().expect("the counters").unwind;
                *checks += unwinds.checked - before;
                before = unwinds.checked;
            }
        }
        let unwinds = programs.counters().expect("the counters").unwind;
        assert_eq!(unwinds.hits, rounds * u64::from(period), "{unwinds:?}");
        assert!(checks.iter().all(|&checks| checks > 0), "{checks:?}");
    }
}
