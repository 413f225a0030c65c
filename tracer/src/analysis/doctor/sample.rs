//! A machine at two moments, made by hand, for tests: 16 GiB, of which nothing is wrong.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    analysis::{holder_names, sample::reported},
    model::{
        Evidence, HeldAccount, HolderGroup, HoldersBy, HoldersLosses, HoldersReport, HoldersSchema,
        HoldersTotals, Host, MemoryCgroup, MemoryCounters, MemoryLimit, ObjectKind, ObjectOwner,
        PageHolder, Process, ProcessEntry, Processes, Reclaim, Replaced, Snapshot, SnapshotSchema,
        SocketState, Tool, ZoneTotals,
    },
};

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const GIB: u64 = 1 << 30;

/// What is free while everything is in a counter.
pub(crate) const FREE: u64 = 11_928 * MIB;

fn host() -> Host {
    Host {
        kernel: "6.1.0".to_owned(),
        arch: "x86_64".to_owned(),
        cpus: 4,
        page_size: 4096,
        mem_total_bytes: 16 * GIB,
    }
}

/// The machine, `taken` bytes of whose memory are in no counter.
pub(crate) fn snapshot(taken: u64) -> Snapshot {
    let meminfo = [
        ("MemTotal", 16 * GIB),
        ("MemFree", FREE - taken),
        ("AnonPages", 2 * GIB),
        ("Cached", 2 * GIB),
        ("Shmem", 10 * MIB),
        ("SUnreclaim", 100 * MIB),
        ("SReclaimable", 200 * MIB),
        ("VmallocUsed", 60 * MIB),
        ("KernelStack", 10 * MIB),
    ];
    let meminfo = meminfo.map(|(name, bytes)| (name.to_owned(), bytes));
    Snapshot {
        schema: SnapshotSchema::V1,
        tool: Tool::own(),
        host: host(),
        taken_at: Timestamp::UNIX_EPOCH,
        memory: MemoryCounters {
            page_size: 4096,
            meminfo: meminfo.into(),
            zones: Some(ZoneTotals::default()),
            ..MemoryCounters::default()
        },
        census: None,
        holders: None,
        shmem: None,
        processes: None,
        pages: None,
        page_holders: Some(holders(&[])),
        sockets: None,
        limitations: Vec::new(),
    }
}

/// Both moments, a minute apart, and nothing in between.
pub(crate) fn evidence(before: Snapshot, after: Snapshot) -> Evidence {
    Evidence {
        before,
        after,
        trace: None,
        processes: Vec::new(),
        against: None,
        limitations: Vec::new(),
        boot_id: None,
    }
}

/// Those that hold page frames.
pub(crate) fn holders(all: &[PageHolder]) -> HoldersReport {
    let group = |holder: &PageHolder| HolderGroup {
        name: holder_names::one(holder),
        key: holder_names::key(holder, HoldersBy::Holder),
        objects: 1,
        state: holder.state,
        account: holder.account,
        growth_bytes: None,
    };
    HoldersReport {
        schema: HoldersSchema::V1,
        tool: Tool::own(),
        host: host(),
        taken_at: Timestamp::UNIX_EPOCH,
        seconds: Duration::from_millis(300).into(),
        totals: HoldersTotals::default(),
        baseline: None,
        by: HoldersBy::Holder,
        groups: all.iter().map(group).collect(),
        holders: all.to_vec(),
        cgroups: Vec::new(),
        unheld: [].into(),
        explanation: None,
        losses: HoldersLosses::default(),
        limitations: Vec::new(),
    }
}

/// A routing daemon's raw socket, with so many bytes of page frames.
pub(crate) fn zebra(pinned: u64) -> PageHolder {
    PageHolder {
        kind: ObjectKind::Socket,
        object: "raw6 [::]:58".to_owned(),
        owner: ObjectOwner {
            pid: Some(3218),
            pids: vec![3218],
            comm: Some("zebra".to_owned()),
            fd: Some(9),
            holding: None,
            cgroup: Some("/system.slice/frr.service".to_owned()),
        },
        state: Some('S'),
        netns: Some(4_026_531_840),
        device: None,
        account: HeldAccount {
            pinned_bytes: pinned,
            payload_bytes: pinned / 800,
            references_found: pinned >> 15,
            references_counted: pinned >> 15,
            frees_bytes: pinned,
            unconfirmed: 0,
        },
        socket: Some(SocketState {
            protocol: "raw6".to_owned(),
            state: "UNCONN".to_owned(),
            local: Some("[::]:58".to_owned()),
            recv_q: Some(pinned / 34),
            send_q: Some(0),
            received_bytes: Some(pinned / 34),
            queued_bytes: Some(0),
            drops: Some(63),
            ..SocketState::default()
        }),
        queues: None,
    }
}

/// The incident of the routing daemon, which `grew` bytes while it was watched.
pub(crate) fn incident(grew: u64) -> Evidence {
    let pinned = 2600 * MIB;
    let with = |bytes: u64| Snapshot {
        page_holders: Some(holders(&[zebra(bytes)])),
        ..snapshot(bytes)
    };
    Evidence {
        // Nothing of it was taken while it was watched.
        trace: (grew == 0).then(|| reported(&[])),
        ..evidence(with(pinned - grew), with(pinned))
    }
}

/// A worker that its control group of 64 MiB has killed seven times, beside its supervisor.
pub(crate) fn kills() -> Evidence {
    let group = MemoryCgroup {
        path: "/system.slice/worker.service".to_owned(),
        limit: Some(MemoryLimit {
            bytes: 64 * MIB,
            cgroup: "/system.slice/worker.service".to_owned(),
        }),
        oom_kills: Some(7),
        ..MemoryCgroup::default()
    };
    let process = |pid, name: &str, mib, added, score| Process {
        pid,
        name: name.to_owned(),
        rss_bytes: Some(mib * MIB),
        anonymous_bytes: Some(mib * MIB),
        oom_score: Some(score),
        oom_score_adj: Some(added),
        cgroup: Some(group.path.clone()),
        ..Process::default()
    };
    let (worker, proxy) = (
        process(4711, "worker", 40, 0, 668),
        process(4000, "proxy", 30, 300, 867),
    );
    let mut evidence = evidence(snapshot(0), snapshot(0));
    evidence.after.processes = Some(Processes {
        processes: vec![proxy, worker.clone()],
        ..Processes::default()
    });
    evidence.processes = vec![ProcessEntry {
        process: worker,
        growth_bytes: Some(32 * MIB as i64),
        is_new: true,
        grown_mapping: None,
        replaced: Some(Replaced {
            pids: vec![4709, 4710, 4711],
            oom_kills: 7,
            is_alive: true,
        }),
        cgroup: Some(group),
    }];
    evidence
}

/// Page cache of 5 GiB, most of it of one control group, which can be told to give it back.
pub(crate) fn full_cache(file: &str) -> Evidence {
    let group = |file: &str, bytes| MemoryCgroup {
        reclaim: Some(Reclaim {
            file: file.to_owned(),
            bytes,
        }),
        ..MemoryCgroup::default()
    };
    let mut after = snapshot(0);
    after.memory.meminfo.insert("Cached".to_owned(), 5 * GIB);
    after
        .memory
        .meminfo
        .insert("MemFree".to_owned(), FREE - 3 * GIB);
    after.processes = Some(Processes {
        cgroups: vec![
            group("/sys/fs/cgroup/a/memory.reclaim", 9 * MIB),
            group(file, 4 * GIB + 4096),
        ],
        ..Processes::default()
    });
    evidence(snapshot(0), after)
}
