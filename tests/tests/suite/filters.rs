//! What is left out before any work is done for it.

use std::{collections::BTreeMap, os::unix::process::CommandExt as _};

use pagetrace_tests::{
    announcement::PagesByOrder,
    harness::{
        CgroupV2, Leaker, OPEN_END, Outputs, Pagetrace, Report, Site, Tracing, root_or_skip, skip,
    },
    leaks::{Pipe, Pipes, payload},
};

use rustix::thread::gettid;

use crate::{LEAK, hold_500_pipes, pages_in_pipes};

fn is_ring(site: &Site) -> bool {
    site.contains("packet_set_ring") && !site.through_slab()
}

fn hold_ring(blocks: &str, order: &str) -> Leaker {
    Leaker::start(LEAK, &["packet-ring", "--blocks", blocks, "--order", order])
}

/// A trace of rings of several orders and of full pipes.
fn trace_of_many(args: &[&str]) -> Outputs {
    let trace = Tracing::attach(args);
    let _pipes = hold_500_pipes();
    let _rings = [
        hold_ring("57", "1"),
        hold_ring("31", "3"),
        hold_ring("16", "5"),
    ];
    trace.end()
}

fn in_rings(report: &Report) -> PagesByOrder {
    report.pages_where(is_ring)
}

#[test]
fn orders_are_bounded_on_both_sides() {
    let Some(_machine) = root_or_skip("orders_are_bounded_on_both_sides") else {
        return;
    };
    for (orders, expected) in [
        ("3", BTreeMap::from([(3, 31 << 3), (5, 16 << 5)])),
        ("1..3", BTreeMap::from([(1, 57 << 1), (3, 31 << 3)])),
        ("5..5", BTreeMap::from([(5, 16 << 5)])),
    ] {
        let report = trace_of_many(&["--order", orders]).report;
        assert_eq!(in_rings(&report), expected, "{orders}");
        assert_eq!(pages_in_pipes(&report), 0, "{orders}");
        let least = *expected.keys().next().expect("some order");
        let orders = report.sites.iter().flat_map(|site| site.orders.keys());
        assert!(orders.into_iter().all(|&order| order >= least));
        assert!(report.window.filters[0].starts_with("--order "));
    }
}

/// Rings are made of zeroed, compound blocks (`alloc_one_pg_vec_page`, net/packet/af_packet.c);
/// pages in pipes are neither.
#[test]
fn gfp_flags_are_required_and_excluded() {
    let Some(_machine) = root_or_skip("gfp_flags_are_required_and_excluded") else {
        return;
    };
    let all = BTreeMap::from([(1, 57 << 1), (3, 31 << 3), (5, 16 << 5)]);
    let report = trace_of_many(&["--gfp", "__GFP_ZERO,__GFP_COMP"]).report;
    assert_eq!((in_rings(&report), pages_in_pipes(&report)), (all, 0));

    let report = trace_of_many(&["--gfp", "GFP_KERNEL,!zero"]).report;
    let none = BTreeMap::new();
    assert_eq!((in_rings(&report), pages_in_pipes(&report)), (none, 8000));
    assert_eq!(report.window.filters, ["--gfp GFP_KERNEL,!zero"]);
}

#[test]
fn an_unknown_gfp_flag_is_refused_with_those_there_are() {
    let test = "an_unknown_gfp_flag_is_refused_with_those_there_are";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    for (flag, reason) in [("GFP_LEAK", "__GFP_ZERO"), ("!GFP_KERNEL", "several flags")] {
        let finished = Pagetrace::new(&[&OPEN_END[..], &["--gfp", flag]].concat()).run();
        assert!(finished.refusal().contains(reason), "{finished:#?}");
    }
}

#[test]
fn one_process_is_recorded() {
    let Some(_machine) = root_or_skip("one_process_is_recorded") else {
        return;
    };
    let pipes = Pipes {
        count: 50,
        pages: 16,
    };
    let pipes = pipes.open().expect("pipes");
    let payload = payload(16);
    let own = std::process::id().to_string();
    let trace = Tracing::attach(&["--pid", &own]);
    let _others = hold_500_pipes();
    pipes.iter().for_each(|pipe: &Pipe| {
        pipe.fill(&payload).expect("room for it");
    });
    let report = trace.end().report;
    assert_eq!(pages_in_pipes(&report), 50 * 16);
}

#[test]
fn a_thread_stands_for_its_process() {
    let Some(_machine) = root_or_skip("a_thread_stands_for_its_process") else {
        return;
    };
    // Tests run in threads.
    let (task, process) = (gettid(), std::process::id());
    assert_ne!(
        task.as_raw_pid().cast_unsigned(),
        process,
        "a test has a thread of its own"
    );
    let trace = Tracing::attach(&["--pid", &task.to_string()]);
    let payload = payload(16);
    let pipes = Pipes {
        count: 50,
        pages: 16,
    };
    let pipes = pipes.open().expect("pipes");
    let fill = || pipes.iter().try_for_each(|pipe: &Pipe| pipe.fill(&payload));
    std::thread::scope(|scope| scope.spawn(fill).join().expect("no panic")).expect("room for it");
    let outputs = trace.end();
    assert_eq!(pages_in_pipes(&outputs.report), 50 * 16);
    let says = format!("{task} is a thread of process {process}");
    assert!(outputs.stderr.contains(&says), "{}", outputs.stderr);
}

#[test]
fn a_process_that_is_not_there_is_refused() {
    let Some(_machine) = root_or_skip("a_process_that_is_not_there_is_refused") else {
        return;
    };
    let finished = Pagetrace::new(&["-i", "600", "--pid", "4194305"]).run();
    assert!(finished.refusal().contains("4194305"), "{finished:#?}");
}

#[test]
fn a_cgroup_is_recorded_with_all_below_it() {
    let test = "a_cgroup_is_recorded_with_all_below_it";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let Some(group) = CgroupV2::new("outer") else {
        return skip(test, "no cgroup2 file system is mounted");
    };
    let inner = group.below("inner");
    let other = CgroupV2::new("other").expect("as the one before");
    let args = [&OPEN_END[..], &["-v", "--cgroup", group.path()]].concat();
    if let Some(reason) = refused_by_old_kernels(&args) {
        return skip(test, &reason);
    }
    let trace = Tracing::attach(&["--cgroup", group.path()]);
    let leak = |group: &CgroupV2, count| {
        let args = ["pipes", "--count", count, "--pages", "16"];
        Leaker::start_as(LEAK, &args, |command| {
            let enter = group.enter();
            // SAFETY: one system call on a file opened before the fork.
            unsafe { command.pre_exec(enter) };
        })
    };
    let leaks = [leak(&group, "10"), leak(&inner, "20"), leak(&other, "40")];
    let report = trace.end().report;
    drop(leaks);
    assert_eq!(pages_in_pipes(&report), 30 * 16);
}

/// Before Linux 5.15 no program on a tracepoint may ask for a cgroup's ancestors:
/// what pagetrace says then, or none.
fn refused_by_old_kernels(args: &[&str]) -> Option<String> {
    let mut running = Pagetrace::new(args).spawn();
    if running.attaches() {
        return None;
    }
    let finished = running.finish();
    let mut lines = finished.stderr.lines();
    let reason = lines.find(|line| line.contains("--cgroup"));
    Some(reason.expect("the option is named").to_owned())
}

#[test]
fn what_is_no_cgroup_is_refused() {
    let Some(_machine) = root_or_skip("what_is_no_cgroup_is_refused") else {
        return;
    };
    for path in ["/proc", "/no/such/group"] {
        let finished = Pagetrace::new(&["-i", "600", "--cgroup", path]).run();
        assert!(finished.refusal().contains(path), "{finished:#?}");
    }
}

#[test]
fn a_node_has_its_own_pages() {
    let Some(_machine) = root_or_skip("a_node_has_its_own_pages") else {
        return;
    };
    let nodes = std::fs::read_to_string("/sys/devices/system/node/has_memory");
    if nodes.is_ok_and(|nodes| nodes.trim() == "0") {
        let report = trace_of_many(&["--node", "0"]).report;
        assert_eq!(pages_in_pipes(&report), 8000);
    }
    let finished = Pagetrace::new(&["-i", "600", "--node", "1023"]).run();
    let refusal = finished.refusal();
    assert!(refusal.contains("name one of 0"), "{finished:#?}");
}

#[test]
fn a_module_that_took_nothing_ranks_nothing() {
    let Some(_machine) = root_or_skip("a_module_that_took_nothing_ranks_nothing") else {
        return;
    };
    let outputs = trace_of_many(&["--module", "nvme_tcp"]);
    assert_eq!(outputs.ranking(), Vec::<&str>::new(), "{}", outputs.table);
    assert_eq!(outputs.report.totals.ranked_pages, 0);
    assert_eq!(pages_in_pipes(&outputs.report), 8000, "nothing is lost");
}
