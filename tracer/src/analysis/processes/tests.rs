use super::*;
use crate::model::{Mapping, Replaced};

const MIB: u64 = 1 << 20;

fn process(pid: u32, name: &str, anonymous_mib: u64) -> Process {
    Process {
        pid,
        start_time_ticks: u64::from(pid) * 10,
        name: name.to_owned(),
        command_line: vec![format!("/bin/{name}")],
        rss_bytes: Some((anonymous_mib + 1) * MIB),
        anonymous_bytes: Some(anonymous_mib * MIB),
        shmem_bytes: Some(0),
        swap_bytes: Some(0),
        cgroup: Some("/box".to_owned()),
        ..Process::default()
    }
}

fn cgroup(kills: u64) -> MemoryCgroup {
    MemoryCgroup {
        path: "/box".to_owned(),
        oom_kills: Some(kills),
        ..MemoryCgroup::default()
    }
}

fn processes(processes: &[Process]) -> Processes {
    Processes {
        processes: processes.to_vec(),
        cgroups: vec![cgroup(9)],
        ..Processes::default()
    }
}

fn watch(before: &[Process], started: &[Process], kills: u64) -> Watch {
    Watch {
        before: before.to_vec(),
        started: started.to_vec(),
        first_cgroups: vec![cgroup(2)],
        last_cgroups: vec![cgroup(2 + kills)],
    }
}

fn pids(entries: &[ProcessEntry]) -> Vec<u32> {
    entries.iter().map(|it| it.process.pid).collect()
}

#[test]
fn the_largest_is_first_and_the_unknown_last() {
    let mut unknown = process(1, "init", 500);
    (unknown.rss_bytes, unknown.anonymous_bytes) = (None, None);
    let mut shared = process(4, "shared", 300);
    shared.pss_bytes = Some(MIB);
    let now = processes(&[unknown, process(2, "a", 5), process(3, "b", 50), shared]);
    let by = |sort| pids(&rank(&now, None, sort));
    assert_eq!(by(ProcessSort::Pss), [3, 2, 4, 1]);
    assert_eq!(by(ProcessSort::Anon), [4, 3, 2, 1]);
    assert_eq!(by(ProcessSort::Rss), [4, 3, 2, 1]);
}

#[test]
fn growth_is_of_what_the_kernel_cannot_drop() {
    let before = [
        process(1, "grows", 10),
        process(2, "maps", 10),
        process(3, "swaps", 10),
    ];
    let mut now = [
        process(1, "grows", 12),
        process(2, "maps", 10),
        process(3, "swaps", 2),
    ];
    now[1].rss_bytes = Some(900 * MIB);
    now[2].swap_bytes = Some(9 * MIB);
    let entries = rank(
        &processes(&now),
        Some(&watch(&before, &[], 0)),
        ProcessSort::Growth,
    );
    let growth: Vec<_> = entries
        .iter()
        .map(|it| (it.process.pid, it.growth_bytes))
        .collect();
    let mib = |mib: i64| Some(mib << 20);
    assert_eq!(growth, [(1, mib(2)), (3, mib(1)), (2, mib(0))]);
}

#[test]
fn a_later_process_with_the_same_pid_is_another() {
    let mut later = process(1, "x", 30);
    later.start_time_ticks += 1;
    let watch = watch(&[process(1, "x", 20)], &[], 0);
    let entries = rank(&processes(&[later]), Some(&watch), ProcessSort::Growth);
    assert!(entries[0].is_new);
    assert_eq!(entries[0].growth_bytes, Some(30 << 20));
}

fn mapping(name: &str, mib: u64) -> Mapping {
    Mapping {
        name: name.to_owned(),
        rss_bytes: mib * MIB,
        ..Mapping::default()
    }
}

#[test]
fn the_mapping_that_grew_is_named() {
    let (mut before, mut now) = (process(1, "x", 10), process(1, "x", 30));
    before.mappings = Some(vec![mapping("[heap]", 9), mapping("lib", 1)]);
    now.mappings = Some(vec![
        mapping("[heap]", 28),
        mapping("lib", 1),
        mapping("new", 1),
    ]);
    let entries = rank(
        &processes(&[now]),
        Some(&watch(&[before], &[], 0)),
        ProcessSort::Growth,
    );
    let grown = entries[0]
        .grown_mapping
        .as_ref()
        .expect("it was read twice");
    assert_eq!(
        (grown.name.as_str(), grown.growth_bytes),
        ("[heap]", 19 << 20)
    );
    assert_eq!(grown.all_growth_bytes, 20 << 20);
}

#[test]
fn without_growth_the_largest_mapping_is_first() {
    let mappings = [mapping("small", 1), mapping("large", 5)];
    let listed = grown_mappings(&mappings, None);
    assert_eq!(listed[0].mapping.name, "large");
    assert_eq!(
        (listed[0].growth_bytes, largest_growth(&listed)),
        (None, None)
    );
}

#[test]
fn a_worker_that_is_killed_again_and_again_is_one_line() {
    let started = [
        process(11, "worker", 60),
        process(12, "sleep", 1),
        process(13, "worker", 58),
        process(14, "sleep", 1),
    ];
    let watch = watch(
        &[process(5, "sh", 1), process(10, "worker", 20)],
        &started,
        3,
    );
    let now = processes(&[
        process(5, "sh", 1),
        process(15, "worker", 4),
        process(16, "sleep", 1),
    ]);
    let entries = rank(&now, Some(&watch), ProcessSort::Growth);
    let expected = Replaced {
        pids: vec![10, 11, 13, 15],
        oom_kills: 3,
        is_alive: true,
    };
    assert_eq!(entries[0].replaced, Some(expected));
    assert_eq!(pids(&entries), [15, 16, 5]);
}

#[test]
fn a_worker_that_is_not_back_yet_is_shown_as_it_was() {
    let watch = watch(
        &[process(10, "worker", 20)],
        &[process(11, "worker", 60)],
        2,
    );
    let entries = rank(&processes(&[]), Some(&watch), ProcessSort::Growth);
    let replaced = entries[0].replaced.as_ref().expect("one line");
    assert_eq!(
        (replaced.pids.as_slice(), replaced.is_alive),
        (&[10, 11][..], false)
    );
}

#[test]
fn workers_that_live_on_keep_their_lines() {
    let before = [
        process(1, "worker", 9),
        process(2, "worker", 9),
        process(3, "worker", 60),
    ];
    let now = processes(&[
        process(1, "worker", 9),
        process(2, "worker", 9),
        process(4, "worker", 2),
    ]);
    let entries = rank(&now, Some(&watch(&before, &[], 1)), ProcessSort::Growth);
    let replaced = entries[0].replaced.as_ref().expect("one line");
    assert_eq!(replaced.pids, [3, 4]);
    assert_eq!(entries.len(), 3);
}

#[test]
fn without_kills_nothing_is_replaced() {
    let watch = watch(&[process(10, "make", 20)], &[process(11, "make", 60)], 0);
    let now = processes(&[process(12, "make", 1)]);
    let entries = rank(&now, Some(&watch), ProcessSort::Growth);
    assert!(entries.iter().all(|it| it.replaced.is_none()));
}
