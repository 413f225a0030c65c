use super::*;
use crate::model::{
    Feature, GrownMapping, MemoryCgroup, MemoryLimit, ProcSchema, ProcessPart, ProcessSort,
    Replaced, Tool, Unread, UnreadReason,
};

const MIB: u64 = 1 << 20;

const SCREEN: Extent = Extent {
    top: 12,
    whole: false,
};

fn cgroup(path: &str, kills: u64) -> MemoryCgroup {
    MemoryCgroup {
        path: path.to_owned(),
        limit: (kills > 0).then(|| MemoryLimit {
            bytes: 64 * MIB,
            cgroup: path.to_owned(),
        }),
        usage_bytes: Some(60 * MIB),
        oom_kills: Some(kills),
        reclaim: None,
    }
}

fn entry(pid: u32, command: &str, mib: u64) -> ProcessEntry {
    let words = command.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let program = words[0].rsplit('/').next().unwrap_or_default();
    let process = Process {
        pid,
        name: program.to_owned(),
        rss_bytes: Some((mib + 5) * MIB),
        pss_bytes: Some((mib + 1) * MIB),
        anonymous_bytes: Some(mib * MIB),
        file_bytes: Some(5 * MIB),
        shmem_bytes: Some(0),
        swap_bytes: Some(0),
        oom_score: Some(666),
        oom_score_adj: Some(0),
        command_line: words,
        state: 'S',
        ..Process::default()
    };
    ProcessEntry {
        process,
        growth_bytes: None,
        is_new: false,
        grown_mapping: None,
        replaced: None,
        cgroup: Some(cgroup("/system.slice/app.service", 0)),
    }
}

fn report() -> ProcReport {
    let mut entries = vec![
        entry(
            4711,
            "/usr/bin/python3 -m queue --broker amqp://mq:5672",
            412,
        ),
        entry(310, "postgres: writer", 96),
        entry(1, "/sbin/init", 7),
    ];
    entries[1].process.oom_score_adj = Some(-900);
    entries[1].process.shmem_bytes = Some(48 * MIB);
    entries[2].process.pss_bytes = None;
    ProcReport {
        schema: ProcSchema::V1,
        tool: Tool::own(),
        host: crate::render::sample::host(),
        taken_at: "2026-11-25T14:29:45Z".parse().expect("a time"),
        interval_seconds: None,
        sort: ProcessSort::Pss,
        entries,
        cgroups: vec![cgroup("/system.slice/app.service", 0)],
        kernel_threads: 70,
        unread: vec![],
        limitations: vec![],
    }
}

fn watched() -> ProcReport {
    let mut watched = report();
    watched.interval_seconds = Some(std::time::Duration::from_secs(10).into());
    watched.sort = ProcessSort::Growth;
    for (entry, growth) in watched.entries.iter_mut().zip([42 << 20, 0, -4096]) {
        entry.growth_bytes = Some(growth);
    }
    watched.entries[0].grown_mapping = Some(GrownMapping {
        name: "[heap]".to_owned(),
        growth_bytes: 42 << 20,
        all_growth_bytes: 43 << 20,
    });
    watched
}

fn screen(report: &ProcReport, extent: Extent) -> String {
    let mut text = Vec::new();
    processes(report, extent, &mut text).expect("memory takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
}

#[test]
fn the_largest() {
    insta::assert_snapshot!("largest", screen(&report(), SCREEN));
}

#[test]
fn one_that_grows() {
    insta::assert_snapshot!("grows", screen(&watched(), SCREEN));
}

#[test]
fn every_column() {
    let whole = Extent {
        top: 1,
        whole: true,
    };
    insta::assert_snapshot!("every_column", screen(&watched(), whole));
}

#[test]
fn one_that_is_killed_again_and_again() {
    let mut report = watched();
    let group = cgroup("/docker/0123456789abcdef0123456789abcdef", 19);
    let worker = ProcessEntry {
        replaced: Some(Replaced {
            pids: vec![5001, 5002, 5003, 5004, 5005, 5006, 5007],
            oom_kills: 6,
            is_alive: true,
        }),
        growth_bytes: Some(30 << 20),
        is_new: true,
        cgroup: Some(group.clone()),
        ..entry(5007, "/app/worker --queue jobs", 30)
    };
    report.entries.insert(0, worker);
    report.cgroups.push(group);
    insta::assert_snapshot!("killed", screen(&report, SCREEN));
}

#[test]
fn much_that_cannot_be_read() {
    let mut report = report();
    let unread = |what, reason, processes| Unread {
        what,
        reason,
        processes,
        example_pid: 1,
    };
    report.unread = vec![
        unread(ProcessPart::Process, UnreadReason::Ended, 1),
        unread(ProcessPart::Pss, UnreadReason::NotPermitted, 120),
        unread(ProcessPart::Pss, UnreadReason::OutOfTime, 8000),
        unread(ProcessPart::OomScore, UnreadReason::Missing, 2),
    ];
    let hidden = "/proc is mounted with hidepid=2, which hides them";
    report.limitations = vec![Feature::ProcessesOfOthers.degraded(hidden)];
    for entry in &mut report.entries {
        entry.process.pss_bytes = None;
    }
    let two = Extent { top: 2, ..SCREEN };
    insta::assert_snapshot!("unread", screen(&report, two));
}

#[test]
fn other_orders_have_other_answers() {
    let answer = |sort| answer::answer(&ProcReport { sort, ..report() });
    insta::assert_snapshot!(answer(ProcessSort::Rss), @"python3 (pid 4711) is the largest of 3 processes, with 417.00 MiB of 530.00 MiB (RSS, shared pages counted more than once)");
    insta::assert_snapshot!(answer(ProcessSort::Oom), @"python3 (pid 4711) would be killed first if memory ran out: its OOM score is 666");
    insta::assert_snapshot!(answer(ProcessSort::Swap), @"python3 (pid 4711) is the largest of 3 processes, with 0 B of 0 B in swap");
    let mut idle = watched();
    idle.entries[0].growth_bytes = Some(0);
    insta::assert_snapshot!(answer::answer(&idle), @"No process took more memory in 10.0 s");
    idle.entries.clear();
    insta::assert_snapshot!(answer::answer(&idle), @"No process can be seen");
}

#[test]
fn no_name_reaches_the_terminal_raw() {
    let evil = "\u{1b}[31mRED\nforged line\u{9b}2J";
    let mut report = watched();
    report.host.kernel = evil.to_owned();
    report.cgroups = vec![cgroup(evil, 7)];
    for entry in &mut report.entries {
        entry.process.name = evil.to_owned();
        entry.process.command_line = vec![evil.to_owned()];
        entry.cgroup = Some(cgroup(evil, 7));
        entry.grown_mapping = Some(GrownMapping {
            name: evil.to_owned(),
            growth_bytes: 42 << 20,
            all_growth_bytes: 43 << 20,
        });
    }
    let text = screen(&report, SCREEN);
    let harmful = |c: char| c.is_control() && c != '\n';
    assert!(text.contains("RED") && !text.contains(harmful), "{text:?}");
    assert!(
        !text.lines().any(|line| line.starts_with("forged")),
        "{text}"
    );
}

#[test]
fn the_screen_is_narrow() {
    for report in [report(), watched()] {
        let text = screen(&report, SCREEN);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{text}");
    }
}
