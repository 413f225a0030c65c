//! Which evidence makes which finding.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::{
    sample::{FREE, GIB, MIB, evidence, full_cache, holders, incident, kills, snapshot, zebra},
    *,
};
use crate::{
    analysis::{
        Timeline,
        sample::{known, reported},
    },
    model::{
        Case, CaseSchema, Cause, Device, Gravity, HeldPages, Holder, Holders, HugePages,
        MemoryFileSystem, ObjectKind, PageHolder, Process, Processes, Reason, Remedy, Shmem,
        ShmemContents, ShmemKind, ShmemObject, SizedFile, SlabCache, Snapshot, Sureness, Task,
        Tool, TrendVerdict, WalkedFiles, Window,
    },
};

fn diagnosed(evidence: &Evidence) -> Diagnosis {
    diagnose(evidence).expect("both have a balance")
}

/// The only finding.
fn only(evidence: &Evidence) -> Finding {
    let findings = diagnosed(evidence).findings;
    let [finding] = &findings[..] else {
        panic!("{findings:#?}");
    };
    finding.clone()
}

fn reasons(finding: &Finding) -> &[Reason] {
    match &finding.cause {
        Cause::Held(held) => &held.reasons,
        other => panic!("{other:#?}"),
    }
}

fn commands(finding: &Finding) -> impl Iterator<Item = &str> {
    finding.remedies.iter().map(|it| it.command.as_str())
}

fn holding(before: &[PageHolder], after: &[PageHolder]) -> Evidence {
    let with = |all: &[PageHolder]| Snapshot {
        page_holders: Some(holders(all)),
        ..snapshot(0)
    };
    evidence(with(before), with(after))
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let diagnosis = diagnosed(&evidence(snapshot(0), snapshot(8 * MIB)));
    assert_eq!(diagnosis.findings, []);
    assert_eq!(diagnosis.large_bytes, 32 * MIB);
    let of = |subject| {
        let mut all = diagnosis.looked_at.iter();
        all.find(|it| it.subject == subject)
            .copied()
            .expect("all are looked at")
    };
    assert_eq!(of(Subject::NoCounter).growth_bytes, Some(8 * MIB as i64));
    assert_eq!(of(Subject::Slab).bytes, Some(100 * MIB as i64));
    assert_eq!(of(Subject::Vmalloc).bytes, Some(50 * MIB as i64));
}

#[test]
fn a_queue_that_grows_is_a_leak_and_explains_what_is_in_no_counter() {
    let finding = only(&incident(600 * MIB));
    assert_eq!(
        (finding.gravity, finding.certainty),
        (Gravity::Leak, Sureness::Counted)
    );
    assert_eq!(finding.growth_bytes, Some(600 * MIB as i64));
    assert_eq!(reasons(&finding), [Reason::Grew, Reason::Wasteful]);
    let commands: Vec<_> = commands(&finding).collect();
    assert_eq!(commands, ["systemctl restart frr.service", "kill 3218"]);
    assert!(
        finding
            .remedies
            .iter()
            .all(|it| it.gives_bytes == Some(2600 * MIB))
    );
}

#[test]
fn a_queue_that_is_as_full_at_both_looks_is_a_leak() {
    let finding = only(&incident(0));
    assert_eq!(finding.gravity, Gravity::Leak);
    assert_eq!(reasons(&finding), [Reason::Unread, Reason::Wasteful]);
}

#[test]
fn without_a_trace_nobody_knows_whether_a_full_queue_has_a_reader() {
    let evidence = Evidence {
        trace: None,
        ..incident(0)
    };
    let finding = only(&evidence);
    assert_eq!(finding.gravity, Gravity::Suspicious);
    assert_eq!(reasons(&finding), [Reason::Wasteful]);
}

#[test]
fn a_queue_that_shrinks_has_a_reader() {
    let finding = only(&holding(&[zebra(500 * MIB)], &[zebra(100 * MIB)]));
    assert_eq!(finding.gravity, Gravity::Suspicious);
    assert_eq!(reasons(&finding), [Reason::Wasteful]);
}

#[test]
fn what_waits_to_be_sent_waits_for_somebody_else() {
    let mut sender = zebra(100 * MIB);
    let socket = sender.socket.as_mut().expect("it is one");
    (socket.queued_bytes, socket.received_bytes) = (Some(90 * MIB), Some(0));
    let finding = only(&holding(&[sender.clone()], &[sender.clone()]));
    assert_eq!(finding.gravity, Gravity::Suspicious);
    sender.state = Some('T');
    let grown = only(&holding(&[], &[sender]));
    assert_eq!(grown.gravity, Gravity::Suspicious);
    assert!(reasons(&grown).contains(&Reason::Unsent), "{grown:#?}");
    assert!(
        commands(&grown).all(|it| !it.contains("CONT")),
        "{grown:#?}"
    );
}

#[test]
fn a_stopped_process_is_to_go_on() {
    let stopped = PageHolder {
        state: Some('T'),
        ..zebra(100 * MIB)
    };
    let finding = only(&holding(&[], &[stopped]));
    assert_eq!(finding.gravity, Gravity::Leak);
    let commands: Vec<_> = commands(&finding).collect();
    let restart = "systemctl restart frr.service";
    assert_eq!(commands, ["kill -CONT 3218", restart, "kill -KILL 3218"]);
}

#[test]
fn what_a_debugger_has_stopped_does_not_go_on_by_a_signal() {
    let traced = PageHolder {
        state: Some('t'),
        ..zebra(100 * MIB)
    };
    let finding = only(&holding(&[], &[traced]));
    assert!(
        commands(&finding).all(|it| !it.contains("CONT")),
        "{finding:#?}"
    );
}

#[test]
fn a_ring_is_as_large_as_somebody_wished() {
    let ring = PageHolder {
        kind: ObjectKind::PacketRing,
        socket: None,
        ..zebra(100 * MIB)
    };
    let finding = only(&holding(&[], &[ring]));
    assert_eq!(finding.gravity, Gravity::Information);
}

#[test]
fn without_a_holder_the_counter_is_the_finding() {
    let finding = only(&evidence(snapshot(2 * GIB), snapshot(2 * GIB)));
    assert!(matches!(finding.cause, Cause::Counter(_)), "{finding:#?}");
    assert_eq!(
        (finding.gravity, finding.bytes),
        (Gravity::Suspicious, 2 * GIB)
    );
}

/// A minute in which a function kept so many pages of each second.
fn traced(grew: u64, pages_per_second: &[u32], held_by: &[HeldPages]) -> Evidence {
    let mut trace = reported(&[known(0, &[1], pages_per_second)]);
    let mut timeline = Timeline::default();
    (1..64).for_each(|second| {
        timeline.begin(Duration::from_secs(second));
    });
    trace.window = Window {
        record_seconds: Duration::from_secs(64).into(),
        drain_seconds: Duration::from_secs(16).into(),
        epochs: timeline.starts(),
        ..trace.window
    };
    let site = &mut trace.sites[0];
    site.allocated_pages = site.unfreed_pages();
    site.held_by = held_by.to_vec();
    Evidence {
        trace: Some(trace),
        ..evidence(snapshot(0), snapshot(grew))
    }
}

fn trend(finding: &Finding) -> Option<TrendVerdict> {
    match &finding.cause {
        Cause::Site(site) => site.trend.map(|it| it.verdict),
        other => panic!("{other:#?}"),
    }
}

#[test]
fn a_function_whose_pages_grow_and_have_no_holder_leaks() {
    let finding = only(&traced(250 * MIB, &[1000; 64], &[]));
    assert_eq!(trend(&finding), Some(TrendVerdict::Growing));
    assert_eq!(
        (finding.gravity, finding.certainty),
        (Gravity::Leak, Sureness::Likely)
    );
    assert_eq!(finding.bytes, 250 * MIB);
}

#[test]
fn a_function_grows_in_vain_where_older_pages_go_as_fast() {
    let finding = only(&traced(0, &[1000; 64], &[]));
    assert_eq!(finding.gravity, Gravity::Suspicious);
}

#[test]
fn a_cache_that_has_filled_is_no_leak() {
    let mut pages = [0; 64];
    pages[..24].fill(1000);
    let finding = only(&traced(94 * MIB, &pages, &[]));
    assert_eq!(trend(&finding), Some(TrendVerdict::LevelledOff));
    assert_eq!(finding.gravity, Gravity::Information);
}

#[test]
fn pages_of_a_holder_that_is_a_finding_are_no_second_one() {
    let key = holders(&[zebra(0)]).groups[0].key.clone();
    let held = HeldPages {
        holder: "raw6 [::]:58, zebra (pid 3218, fd 9)".to_owned(),
        key,
        pages: 60_000,
    };
    let mut evidence = traced(250 * MIB, &[1000; 64], &[held]);
    evidence.after.page_holders = Some(holders(&[zebra(240 * MIB)]));
    let finding = only(&evidence);
    let Cause::Held(held) = &finding.cause else {
        panic!("{finding:#?}");
    };
    let taken_by = held.taken_by.as_ref().expect("it was traced");
    assert_eq!((taken_by.function.as_str(), taken_by.pages), ("f1", 60_000));
}

#[test]
fn a_line_that_is_too_large_is_said_to_be_what_it_is() {
    let large = with_cache(0, 3 * GIB);
    let finding = only(&evidence(large.clone(), large));
    assert!(matches!(finding.cause, Cause::Counter(_)), "{finding:#?}");
    assert_eq!(finding.cause.subject(), Subject::Slab);
    let commands = finding.remedies.iter().map(|it| it.command.as_str());
    assert!(commands.eq(["pagetrace -i 600 --kind slab"]));
    for (field, subject) in [
        ("MemTotal - all above", Subject::NoCounter),
        ("VmallocUsed - KernelStack", Subject::Vmalloc),
        ("PageTables", Subject::OtherKernel),
        ("Shmem", Subject::Shmem),
        ("free - resv", Subject::Reserved),
    ] {
        assert_eq!(Subject::of_line(field), subject, "{field}");
    }
}

fn with_cache(bytes: u64, unreclaimable: u64) -> Snapshot {
    let mut snapshot = snapshot(0);
    let cache = SlabCache {
        name: "nf_conntrack".to_owned(),
        bytes,
        ..SlabCache::default()
    };
    snapshot.memory.slabs = Some(vec![cache]);
    let lines = &mut snapshot.memory.meminfo;
    lines.insert("SUnreclaim".to_owned(), unreclaimable);
    lines.insert("MemFree".to_owned(), FREE + 100 * MIB - unreclaimable);
    snapshot
}

#[test]
fn a_cache_that_the_kernel_can_drop_is_no_leak() {
    for (unreclaimable, gravity) in [
        (100 * MIB, Gravity::Information),
        (300 * MIB, Gravity::Suspicious),
    ] {
        let before = with_cache(10 * MIB, 100 * MIB);
        let finding = only(&evidence(before, with_cache(210 * MIB, unreclaimable)));
        assert_eq!(
            (finding.gravity, finding.growth_bytes),
            (gravity, Some(200 * MIB as i64))
        );
        assert_eq!(finding.cause.subject(), Subject::Slab);
    }
}

#[test]
fn huge_pages_are_set_aside() {
    let mut after = snapshot(0);
    after.memory.huge_pages = vec![HugePages {
        page_bytes: 2 * MIB,
        total: 100,
        free: 90,
        reserved: 0,
        surplus: 0,
    }];
    let finding = only(&evidence(snapshot(0), after));
    assert_eq!(
        (finding.gravity, finding.bytes),
        (Gravity::Information, 200 * MIB)
    );
    assert_eq!(finding.remedies[0].gives_bytes, Some(180 * MIB));
}

#[test]
fn a_cache_is_given_back_by_the_group_that_has_most_of_it() {
    let finding = only(&full_cache("/sys/fs/cgroup/b c/memory.reclaim"));
    assert_eq!(
        (finding.gravity, &finding.cause),
        (Gravity::Information, &Cause::PageCache)
    );
    let remedy = Remedy::giving(
        "echo 3686M > '/sys/fs/cgroup/b c/memory.reclaim'",
        3686 * MIB,
    );
    assert_eq!(finding.remedies, [remedy]);
    let mut without = full_cache("");
    let processes = without.after.processes.as_mut().expect("it has some");
    for group in &mut processes.cgroups {
        group.reclaim = None;
    }
    assert_eq!(only(&without).remedies, []);
}

#[test]
fn whom_the_kernel_kills_next_is_not_whom_it_killed_last() {
    let finding = only(&kills());
    let Cause::Killed(killed) = &finding.cause else {
        panic!("{finding:#?}");
    };
    let next = killed.next.as_ref().expect("there are two");
    assert_eq!((next.process.name.as_str(), next.score), ("proxy", 761));
}

fn with_process(start_time_ticks: u64) -> Evidence {
    let process = |pid, start_time_ticks| Process {
        pid,
        start_time_ticks,
        anonymous_bytes: Some(300 * MIB),
        ..Process::default()
    };
    let mut evidence = evidence(snapshot(0), snapshot(0));
    let grown = process(7, start_time_ticks);
    evidence.after.processes = Some(Processes {
        processes: vec![grown.clone(), process(8, 100_000)],
        ..Processes::default()
    });
    evidence.processes = vec![ProcessEntry {
        process: grown,
        growth_bytes: Some(200 * MIB as i64),
        is_new: false,
        grown_mapping: None,
        replaced: None,
        cgroup: None,
    }];
    evidence
}

#[test]
fn what_has_just_started_may_grow() {
    assert_eq!(only(&with_process(90_000)).gravity, Gravity::Information);
    assert_eq!(only(&with_process(10_000)).gravity, Gravity::Suspicious);
}

/// A tmpfs with a file that was deleted and is open still.
fn with_tmpfs(used: u64, deleted: u64) -> Snapshot {
    let device = Default::default();
    let mut snapshot = snapshot(0);
    snapshot.shmem = Some(Shmem {
        file_systems: vec![MemoryFileSystem {
            kind: "tmpfs".to_owned(),
            point: "/run/a b".to_owned(),
            used_bytes: Some(used),
            limit_bytes: Some(GIB),
            ..MemoryFileSystem::default()
        }],
        contents: Some(ShmemContents {
            objects: vec![ShmemObject {
                kind: ShmemKind::DeletedFile,
                device,
                inode: 1,
                name: "/run/a b/log".to_owned(),
                bytes: Some(deleted),
                holders: Default::default(),
            }],
            ..ShmemContents::default()
        }),
    });
    snapshot
}

#[test]
fn a_tmpfs_is_judged_by_what_it_does() {
    for (before, after, deleted, gravity) in [
        (300, 300, 0, Gravity::Information),
        (300, 300, 100, Gravity::Suspicious),
        (950, 950, 0, Gravity::Suspicious),
        (100, 300, 0, Gravity::Leak),
    ] {
        let before = with_tmpfs(before * MIB, deleted * MIB);
        let finding = only(&evidence(before, with_tmpfs(after * MIB, deleted * MIB)));
        assert_eq!(finding.gravity, gravity, "{finding:#?}");
        let remount = finding.remedies.last().map(|it| it.command.as_str());
        let is_said = remount.is_some_and(|it| it.ends_with("M '/run/a b'"));
        assert_eq!(is_said, gravity > Gravity::Information, "{finding:#?}");
    }
}

/// A tmpfs of a container, at a place where others have one, too.
fn of_container(minor: u32, used: u64) -> MemoryFileSystem {
    let log = SizedFile {
        path: "log".to_owned(),
        inode: 2,
        bytes: used,
        holders: Holders::default(),
    };
    MemoryFileSystem {
        device: Device { major: 0, minor },
        kind: "tmpfs".to_owned(),
        point: "/tmp".to_owned(),
        seen_by: Some(Task {
            pid: minor,
            name: "app".to_owned(),
        }),
        used_bytes: Some(used),
        limit_bytes: Some(used),
        files: Some(WalkedFiles {
            count: 1,
            bytes: used,
            is_complete: true,
            largest: vec![log],
        }),
        ..MemoryFileSystem::default()
    }
}

/// What is mounted at one place in two containers is not one, and not what is there for pagetrace.
#[test]
fn file_systems_at_one_place_are_told_apart() {
    let with = |used: [u64; 2]| Snapshot {
        shmem: Some(Shmem {
            file_systems: vec![of_container(7, used[0]), of_container(8, used[1])],
            contents: Some(ShmemContents::default()),
        }),
        ..snapshot(0)
    };
    let evidence = evidence(with([100 * MIB, 300 * MIB]), with([100 * MIB, 300 * MIB]));
    let findings = diagnosed(&evidence).findings;
    assert_eq!(findings.len(), 2);
    for (finding, pid) in findings.iter().zip([8, 7]) {
        assert_eq!(finding.growth_bytes, Some(0), "{finding:#?}");
        let commands = finding.remedies.iter().map(|it| it.command.as_str());
        let commands: Vec<_> = commands.collect();
        assert_eq!(commands[0], format!("nsenter -t {pid} -m rm /tmp/log"));
        assert!(commands[1].starts_with(&format!("nsenter -t {pid} -m mount ")));
    }
    let case = case(evidence);
    let now = with([100 * MIB, 0]);
    let checks = verification(&case, &now).expect("it has a balance").checks;
    let kept: Vec<_> = checks.iter().map(|it| it.is_kept()).collect();
    assert_eq!(kept, [Some(true), Some(false)]);
}

/// To remove what a program writes still frees nothing.
#[test]
fn a_log_that_is_open_is_cut() {
    let mut file_system = of_container(7, 300 * MIB);
    let files = file_system.files.as_mut().expect("it has some");
    files.largest[0].holders.add(Holder {
        task: Task {
            pid: 4711,
            name: "app".to_owned(),
        },
        descriptor: Some(5),
    });
    let full = Snapshot {
        shmem: Some(Shmem {
            file_systems: vec![file_system],
            contents: Some(ShmemContents::default()),
        }),
        ..snapshot(0)
    };
    let finding = only(&evidence(full.clone(), full));
    assert_eq!(finding.remedies[0].command, "truncate -s 0 /proc/4711/fd/5");
}

#[test]
fn nobody_is_to_be_killed_for_what_is_fine() {
    let young = only(&with_process(90_000));
    assert_eq!(
        (young.gravity, young.remedies),
        (Gravity::Information, vec![])
    );
}

#[test]
fn growth_that_was_not_traced_is_a_finding() {
    let book = Book {
        subject: Subject::NoCounter,
        growth_bytes: 412 * MIB as i64,
        traced_bytes: 300 * MIB,
        drain_estimate_bytes: 20 * MIB,
    };
    let evidence = evidence(snapshot(0), snapshot(0));
    let facts = Facts {
        balances: Balances::of(&evidence).expect("they have one"),
        evidence: &evidence,
        traced: None,
        large: 32 * MIB,
    };
    let open = books::open(&facts, &[book]);
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].bytes, 92 * MIB);
    let closed = Book {
        traced_bytes: 380 * MIB,
        ..book
    };
    assert_eq!(books::open(&facts, &[closed]), []);
}

pub(crate) fn case(evidence: Evidence) -> Case {
    let diagnosis = diagnosed(&evidence);
    Case {
        schema: CaseSchema::V1,
        tool: Tool::own(),
        host: evidence.after.host.clone(),
        window_seconds: Duration::from_secs(60).into(),
        findings: diagnosis.findings,
        looked_at: diagnosis.looked_at,
        large_bytes: diagnosis.large_bytes,
        books: diagnosis.books,
        evidence,
    }
}

#[test]
fn what_came_back_is_held_against_what_was_promised() {
    let case = case(incident(600 * MIB));
    let checked = |now: &Snapshot| verification(&case, now).expect("it has a balance").checks;
    let gone = checked(&snapshot(0));
    assert_eq!(gone[0].returned_bytes(), Some(2600 * MIB as i64));
    assert_eq!(gone[0].is_kept(), Some(true));
    let there = checked(&case.evidence.after);
    assert_eq!(there[0].is_kept(), Some(false));
    let unknown = checked(&Snapshot {
        page_holders: None,
        ..snapshot(0)
    });
    assert_eq!(unknown[0].is_kept(), None);
}

#[test]
fn a_redacted_case_says_what_without_saying_where() {
    let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let mut evidence = incident(0);
    evidence.after.processes = Some(Processes {
        processes: vec![Process {
            command_line: vec!["nc".to_owned(), address.to_string()],
            ..Process::default()
        }],
        ..Processes::default()
    });
    evidence.after.page_holders.as_mut().expect("some").holders[0].object =
        format!("tcp {address}:80 -> [fe80::1%2]:4711 {address}. ::");
    let redacted = redacted(&case(evidence)).expect("it can be written down");
    let after = &redacted.evidence.after;
    let holders = &after.page_holders.as_ref().expect("some").holders;
    assert_eq!(
        holders[0].object,
        "tcp addr1:80 -> [addr2%2]:4711 addr1. ::"
    );
    let processes = &after.processes.as_ref().expect("some").processes;
    assert_eq!(processes[0].command_line, ["nc"]);
    assert_eq!(after.host.kernel, "6.1.0");
}
