//! A machine whose /run is full of logs (incident 3), made by hand, for tests.

use jiff::Timestamp;

use crate::model::{
    Device, Feature, Holder, Holders, Host, MemoryCounters, MemoryFileSystem, Shmem, ShmemContents,
    ShmemKind, ShmemObject, SizedFile, Snapshot, SnapshotSchema, SysvSegment, Task, Tool,
    WalkedFiles,
};

pub(crate) const GIB: u64 = 1 << 30;
pub(crate) const MIB: u64 = 1 << 20;

/// The snapshot; its parts are 3 MiB less than `Shmem`.
pub(crate) fn snapshot() -> Snapshot {
    let meminfo = [("MemTotal", 32 * GIB), ("SwapTotal", 0), ("SwapFree", 0)];
    let meminfo = meminfo.map(|(name, bytes)| (name.to_owned(), bytes));
    Snapshot {
        schema: SnapshotSchema::V1,
        tool: Tool::own(),
        host: Host {
            kernel: "6.1.0".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 4,
            page_size: 4096,
            mem_total_bytes: 32 * GIB,
        },
        taken_at: Timestamp::UNIX_EPOCH,
        memory: MemoryCounters {
            page_size: 4096,
            meminfo: meminfo.into(),
            ..MemoryCounters::default()
        },
        census: None,
        holders: None,
        processes: None,
        shmem: Some(Shmem {
            file_systems: vec![run(), pod(), huge()],
            contents: Some(contents()),
        }),
        pages: None,
        page_holders: None,
        sockets: None,
        limitations: vec![
            Feature::ProcessContents.degraded("1 of 90 processes do not show what they have"),
        ],
    }
}

pub(crate) fn task(pid: u32, name: &str) -> Task {
    let name = name.to_owned();
    Task { pid, name }
}

pub(crate) const fn device(minor: u32) -> Device {
    Device { major: 0, minor }
}

fn run() -> MemoryFileSystem {
    let log = |number: u64| SizedFile {
        path: format!("log/app.log.{number}"),
        inode: number,
        bytes: (9 - number) * GIB,
        holders: holders(&[(4711, "app", Some(3))]),
    };
    MemoryFileSystem {
        device: device(25),
        kind: "tmpfs".to_owned(),
        point: "/run".to_owned(),
        mounts: 7,
        page_bytes: 4096,
        used_bytes: Some(15 * GIB + 200 * MIB),
        limit_bytes: Some(16 * GIB),
        files: Some(WalkedFiles {
            count: 2,
            bytes: 15 * GIB,
            is_complete: true,
            largest: vec![log(1), log(2)],
        }),
        ..MemoryFileSystem::default()
    }
}

/// It has no limit, and so does not tell what is used.
fn pod() -> MemoryFileSystem {
    MemoryFileSystem {
        device: device(60),
        kind: "tmpfs".to_owned(),
        point: "/cache".to_owned(),
        seen_by: Some(task(900, "worker\u{1b}[31m")),
        mounts: 1,
        page_bytes: 4096,
        files: Some(WalkedFiles {
            count: 1,
            bytes: 100 * MIB,
            is_complete: true,
            largest: vec![SizedFile {
                path: "index".to_owned(),
                inode: 9,
                bytes: 100 * MIB,
                holders: Holders::default(),
            }],
        }),
        ..MemoryFileSystem::default()
    }
}

fn huge() -> MemoryFileSystem {
    MemoryFileSystem {
        device: device(70),
        kind: "hugetlbfs".to_owned(),
        point: "/dev/hugepages".to_owned(),
        mounts: 1,
        page_bytes: 2 * MIB,
        used_bytes: Some(8 * GIB),
        limit_bytes: Some(8 * GIB),
        ..MemoryFileSystem::default()
    }
}

fn contents() -> ShmemContents {
    ShmemContents {
        before_bytes: 16 * GIB,
        after_bytes: 15 * GIB + (200 + 100 + 256 + 64 + 8 + 128 + 3) * MIB,
        objects: vec![
            object(ShmemKind::Memfd, device(1), "wayland", 256, 5),
            object(ShmemKind::DeletedFile, device(25), "/run/old.log", 200, 1),
            object(ShmemKind::SharedAnonymous, device(1), "", 64, 1),
        ],
        segments: vec![segment(5, 0, 128), segment(32769, 2, 8), huge_segment()],
        processes: 90,
        unreadable_processes: 1,
        unreadable_mapped_bytes: MIB,
    }
}

fn object(kind: ShmemKind, device: Device, name: &str, mib: u64, count: u64) -> ShmemObject {
    ShmemObject {
        kind,
        device,
        inode: mib,
        name: name.to_owned(),
        bytes: Some(mib * MIB),
        holders: Holders {
            count,
            ..holders(&[(4000, "nginx", (count == 1).then_some(7))])
        },
    }
}

fn holders(holders: &[(u32, &str, Option<u32>)]) -> Holders {
    let holder = |&(pid, name, descriptor): &(u32, &str, Option<u32>)| Holder {
        task: task(pid, name),
        descriptor,
    };
    Holders {
        count: holders.len() as u64,
        first: holders.iter().map(holder).collect(),
    }
}

fn segment(id: u64, attached: u64, mib: u64) -> SysvSegment {
    SysvSegment {
        id,
        size_bytes: mib * MIB,
        resident_bytes: Some(mib * MIB),
        attached,
        creator: Some(task(712, "")),
        ..SysvSegment::default()
    }
}

fn huge_segment() -> SysvSegment {
    SysvSegment {
        is_huge: true,
        ..segment(7, 1, 512)
    }
}
