//! Stacks that pagetrace unwinds by rules are those that the kernel's unwinder finds.

use std::process::{Command, Stdio};

use pagetrace_tests::{
    bpf_stats,
    harness::{Report, Site, Tracing, UnwindRules, is_emulated, note, root_or_skip},
};

use crate::{LEAK, hold_500_pipes};

/// Runs the helper program to its end.
fn run(args: &[&str]) {
    let mut command = Command::new(LEAK);
    let status = command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    assert!(status.status().expect("it runs").success(), "{args:?}");
}

fn used(report: &Report) -> UnwindRules {
    let rules = report.losses.unwind_rules;
    rules.expect("raw tracepoints, which every kernel here has")
}

#[test]
fn a_million_stacks_are_those_of_the_kernel() {
    let Some(_machine) = root_or_skip("a_million_stacks_are_those_of_the_kernel") else {
        return;
    };
    // Every one is checked, which takes long on an emulated machine.
    let goal = if is_emulated() { 10_000 } else { 1_000_000 };
    let mut checked = 0;
    while checked < goal {
        let trace = Tracing::attach(&["--check-every", "1"]);
        run(&["churn", "--seconds", "10"]);
        let rules = used(&trace.end().report);
        assert_eq!(rules.mismatched, 0, "{rules:?}");
        assert_eq!(rules.checked, rules.hits);
        assert!(rules.hits > rules.misses, "{rules:?}");
        checked += rules.checked;
    }
    note(&format!("{checked} stacks checked, none was another"));
}

#[test]
fn one_hit_in_so_many_is_checked() {
    const EVERY: u64 = 7;
    let Some(_machine) = root_or_skip("one_hit_in_so_many_is_checked") else {
        return;
    };
    let trace = Tracing::attach(&["--check-every", &EVERY.to_string()]);
    run(&["balanced", "--count", "50000"]);
    let rules = used(&trace.end().report);
    assert!(rules.hits > 20_000, "{rules:?}");
    // Which ones is drawn by lot. A tenth is ten standard deviations.
    let (mean, tenth) = (rules.hits / EVERY, rules.hits / EVERY / 10);
    let checked = mean - tenth..=mean + tenth;
    assert!(checked.contains(&rules.checked), "{rules:?}");
}

#[test]
fn a_steady_load_hits() {
    let Some(_machine) = root_or_skip("a_steady_load_hits") else {
        return;
    };
    let load = ["balanced", "--count", "300000"];
    let mut trace = Tracing::attach(&[]);
    // The rules of these stacks are learned the first time.
    run(&load);
    let pid = trace.running().pid().as_raw_nonzero().get();
    let command = [&[LEAK], &load[..]].concat();
    let command: Vec<_> = command.into_iter().map(str::to_owned).collect();
    let reading = bpf_stats::take(pid.cast_unsigned(), &command).expect("the counters");
    let unwound = reading.unwound.expect("raw tracepoints");
    note(&format!("{unwound:?}"));
    // Whatever else the machine does has stacks of its own, which are new once.
    let stacks = unwound.hits + unwound.misses;
    assert!(unwound.hits * 100 >= stacks * 99, "{unwound:?}");
}

#[test]
fn the_kernels_unwinder_alone_gives_the_same_report() {
    let Some(_machine) = root_or_skip("the_kernels_unwinder_alone_gives_the_same_report") else {
        return;
    };
    let traces = [&[][..], &["--no-cache"], &["--hook", "tracefs"]].map(Tracing::attach);
    let _leak = hold_500_pipes();
    let [by_rules, by_kernel, tracefs] = traces.map(|trace| trace.end().report);
    assert!(used(&by_rules).hits > 7000, "{:?}", by_rules.losses);
    for report in [&by_kernel, &tracefs] {
        assert!(report.losses.unwind_rules.is_none(), "{:?}", report.losses);
    }
    assert_eq!(pipes(&by_rules), pipes(&by_kernel));
}

/// Stack and pages of each site that the leak has.
fn pipes(report: &Report) -> Vec<(Vec<&str>, u64)> {
    let ours = |site: &Site| site.contains("pipe_write") && site.contains("writev");
    let sites = report.sites_where(ours).into_iter();
    let mut sites: Vec<_> = sites
        .map(|it| (it.symbols().collect(), it.unfreed_pages))
        .collect();
    sites.sort();
    sites
}
