//! Stacks that pagetrace unwinds by its own templates are those that the kernel finds.

use std::process::{Command, Stdio};

use pagetrace_tests::harness::{
    Report, Site, Tracing, UnwindRules, eventually, is_emulated, note, root_or_skip,
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
    let templates = report.losses.unwind_rules;
    templates.expect("raw tracepoints, which every kernel here has")
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
        let templates = used(&trace.end().report);
        assert_eq!(templates.mismatched, 0, "{templates:?}");
        assert_eq!(templates.checked, templates.hits);
        assert!(templates.hits > templates.misses, "{templates:?}");
        checked += templates.checked;
    }
    note(&format!("{checked} stacks checked, none was another"));
}

#[test]
fn one_hit_in_so_many_is_checked() {
    let Some(_machine) = root_or_skip("one_hit_in_so_many_is_checked") else {
        return;
    };
    for every in [7, 1024] {
        let trace = Tracing::attach(&["--check-every", &every.to_string()]);
        run(&["balanced", "--count", "20000"]);
        let templates = used(&trace.end().report);
        assert!(templates.checked > 0, "{templates:?}");
        let cpus = std::thread::available_parallelism().expect("some CPU");
        // Each CPU counts for itself, and has not come to its next check yet.
        let most = templates.hits / every;
        let least = most.saturating_sub(cpus.get() as u64);
        let checked = least..=most;
        assert!(
            checked.contains(&templates.checked),
            "{every}: {templates:?}"
        );
    }
}

#[test]
fn a_steady_load_hits() {
    let Some(_machine) = root_or_skip("a_steady_load_hits") else {
        return;
    };
    // Whatever else the machine does has stacks of its own, which are new once.
    eventually("99 of 100 stacks to be unwound by templates", || {
        let trace = Tracing::attach(&[]);
        run(&["balanced", "--count", "300000"]);
        let templates = used(&trace.end().report);
        note(&format!("{templates:?}"));
        let stacks = templates.hits + templates.misses;
        (templates.hits * 100 >= stacks * 99).then_some(())
    });
}

#[test]
fn without_templates_the_report_is_the_same() {
    let Some(_machine) = root_or_skip("without_templates_the_report_is_the_same") else {
        return;
    };
    let traces = [&[][..], &["--no-cache"], &["--hook", "classic"]].map(Tracing::attach);
    let _leak = hold_500_pipes();
    let [with, without, classic] = traces.map(|trace| trace.end().report);
    assert!(used(&with).hits > 7000, "{:?}", with.losses);
    assert!(
        without.losses.unwind_rules.is_none(),
        "{:?}",
        without.losses
    );
    assert!(
        classic.losses.unwind_rules.is_none(),
        "{:?}",
        classic.losses
    );
    assert_eq!(pipes(&with), pipes(&without));
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
