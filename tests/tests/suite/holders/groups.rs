//! Holders that are shown together.

use std::cmp::Reverse;

use pagetrace_tests::harness::{Leaker, root_or_skip};

use super::{Account, Holder, Report, page, sum};
use crate::LEAK;

/// Whether all groups together are all objects, and none has more than its objects.
fn is_consistent(report: &Report) {
    let objects: usize = report.groups.iter().map(|it| it.objects).sum();
    assert_eq!(objects, report.holders.len(), "{:#?}", report.groups);
    let groups = report.groups.iter().map(|it| &it.account);
    let holders = report.holders.iter().map(|it| &it.account);
    let (pinned, payload) = (
        |it: &Account| it.pinned_bytes,
        |it: &Account| it.payload_bytes,
    );
    let all = sum(groups.clone(), pinned);
    assert!(all <= sum(holders.clone(), pinned), "{:#?}", report.groups);
    assert!(all >= report.totals.held_bytes, "{:#?}", report.groups);
    assert_eq!(sum(groups.clone(), payload), sum(holders, payload));
    assert!(groups.map(pinned).is_sorted_by_key(Reverse));
}

#[test]
fn whatever_the_groups_are_they_are_all_there_is() {
    let test = "whatever_the_groups_are_they_are_all_there_is";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let pipes = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    let udp = Leaker::start(LEAK, &["held", "udp", "--count", "500"]);
    for by in [
        "holder", "object", "process", "kind", "cgroup", "netns", "device",
    ] {
        let report = Report::by(by);
        is_consistent(&report);
        let (pipes, udp) = (report.of(pipes.pid()), report.of(udp.pid()));
        assert_eq!((pipes.len(), udp.len()), (500, 1));
        let [pipe, udp] = [pipes[0], udp[0]];
        let pinned = sum(pipes.iter().map(|it| &it.account), |it| it.pinned_bytes);
        assert_eq!(pinned, 8000 * page());
        let (name, least) = match by {
            "holder" => (several(&pipes), pinned),
            "object" => (one(udp), udp.account.pinned_bytes),
            "process" => (format!("leak (pid {})", pipe.pids[0]), pinned),
            "kind" => ("pipe".to_owned(), pinned),
            "cgroup" => (or_none(pipe.cgroup.clone(), "cgroup"), pinned),
            "netns" => (
                or_none(udp.netns, "network namespace"),
                udp.account.pinned_bytes,
            ),
            _ => ("(no device)".to_owned(), pinned),
        };
        let group = report.group(&name).account;
        assert!(group.pinned_bytes >= least, "{by}: {group:?}");
        assert_eq!(group.references_found, group.references_counted, "{by}");
    }
}

fn or_none(name: Option<impl ToString>, what: &str) -> String {
    name.map_or_else(|| format!("(no {what})"), |name| name.to_string())
}

fn several(pipes: &[&Holder]) -> String {
    let descriptors = pipes.iter().filter_map(|it| it.fd);
    let first = descriptors.clone().min().expect("they have some");
    let last = descriptors.max().expect("they have some");
    let (count, pid) = (pipes.len(), pipes[0].pids[0]);
    format!("{count} pipes, leak (pid {pid}, fd {first}-{last})")
}

fn one(socket: &Holder) -> String {
    let (object, pid) = (&socket.object, socket.pids[0]);
    let fd = socket.fd.expect("it has a descriptor");
    format!("{object}, leak (pid {pid}, fd {fd})")
}
