//! One report made by hand, for tests.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::model::{
    Context, Cost, Frame, HeldPages, Host, Image, Kind, KindChoice, Losses, Meminfo, NoStack,
    ProgramTime, RecursionMisses, Report, Schema, Scope, Selection, Site, Task, Tool, Unfreed,
    UnwindRuleUse, Window,
};

/// Indices of the frames below.
const ALLOC: u32 = 0;
const MPOL: u32 = 1;
const PIPE_WRITE: u32 = 2;
const VFS_WRITEV: u32 = 3;
const SYSCALL: u32 = 4;
const RX_PAGE: u32 = 5;
const RECEIVE: u32 = 6;
const UNNAMED: u32 = 7;
const INTERRUPT: u32 = 8;
const IDLE: u32 = 9;
const INODE: u32 = 10;
const SPLICE: u32 = 11;

fn frame(symbol: &str, offset: u64, address: u64) -> Frame {
    Frame {
        symbol: Some(symbol.to_owned()),
        offset: Some(offset),
        address,
        ..Frame::default()
    }
}

fn frames() -> Vec<Frame> {
    let inner = Frame {
        symbol: Some("rx_page".to_owned()),
        module: Some("virtio_net".to_owned()),
        address: 0xffff_ffff_c000_0020,
        file: Some("drivers/net/virtio_net.c".to_owned()),
        line: Some(77),
        inlined: true,
        ..Frame::default()
    };
    let outer = Frame {
        symbol: Some("receive_mergeable".to_owned()),
        offset: Some(0x20),
        line: Some(1200),
        inlined: false,
        ..inner.clone()
    };
    vec![
        frame("__alloc_frozen_pages_noprof", 0x26b, 0xffff_ffff_8161_526b),
        frame("alloc_pages_mpol", 0x86, 0xffff_ffff_8166_0086),
        frame("anon_pipe_write", 0x10f, 0xffff_ffff_8170_010f),
        frame("vfs_writev", 0x12d, 0xffff_ffff_8170_112d),
        frame("do_syscall_64", 0x71, 0xffff_ffff_8200_0071),
        inner,
        outer,
        Frame::unnamed(0xffff_ffff_c0de_0010),
        frame("asm_common_interrupt", 0x22, 0xffff_ffff_8200_1022),
        frame("cpu_idle", 0x10, 0xffff_ffff_8100_0010),
        frame("alloc_inode", 0x20, 0xffff_ffff_8100_0020),
        frame("iter_file_splice_write", 0x3e1, 0xffff_ffff_8172_03e1),
    ]
}

fn unfreed(kind: Kind, order: u32, by_epoch: &[(u32, u32)]) -> Unfreed {
    Unfreed {
        kind,
        order,
        gfp: Some(if order == 0 { 0x40_0cc0 } else { 0x4_0820 }),
        by_epoch: by_epoch.to_vec(),
    }
}

/// So many pages in each eighth of the recording.
fn steady(pages: u32) -> Vec<(u32, u32)> {
    (0..32).map(|epoch| (epoch, pages / 4)).collect()
}

fn pipes() -> Site {
    Site {
        stack: vec![ALLOC, MPOL, PIPE_WRITE, VFS_WRITEV, SYSCALL],
        no_stack: None,
        owner_frame: Some(PIPE_WRITE),
        context: Context::Task,
        interrupted: vec![],
        first_seen: Some(Task {
            pid: 4242,
            name: "leak".to_owned(),
        }),
        process: None,
        cgroup: None,
        allocated_pages: 8016,
        unfreed: vec![unfreed(Kind::Raw, 0, &[(4, 4000), (8, 4000)])],
        held_by: vec![HeldPages {
            holder: "500 pipes, leak (pid 4242, fd 3-1002)".to_owned(),
            key: "pipe None [4242]".to_owned(),
            pages: 7999,
        }],
    }
}

fn splices() -> Site {
    Site {
        stack: vec![ALLOC, PIPE_WRITE, SPLICE, SYSCALL],
        allocated_pages: 500,
        unfreed: vec![unfreed(Kind::Raw, 0, &[(12, 200)])],
        held_by: vec![],
        ..pipes()
    }
}

fn driver() -> Site {
    Site {
        stack: vec![RX_PAGE, RECEIVE, UNNAMED],
        owner_frame: Some(RX_PAGE),
        context: Context::Softirq,
        interrupted: vec![INTERRUPT, IDLE],
        first_seen: None,
        process: None,
        cgroup: None,
        allocated_pages: 1360,
        unfreed: vec![
            unfreed(Kind::Raw, 0, &[(0, 2)]),
            unfreed(Kind::Raw, 3, &steady(16)),
            unfreed(Kind::File, 0, &[(28, 6)]),
        ],
        held_by: vec![],
        ..pipes()
    }
}

fn full() -> Site {
    Site {
        stack: vec![],
        no_stack: Some(NoStack::SiteTableFull),
        owner_frame: None,
        first_seen: None,
        process: None,
        cgroup: None,
        allocated_pages: 1,
        unfreed: vec![unfreed(Kind::Raw, 0, &[(28, 1)])],
        held_by: vec![],
        ..pipes()
    }
}

/// A table of slabs, which nobody asked to see.
fn slabs() -> Site {
    Site {
        stack: vec![INODE],
        owner_frame: Some(INODE),
        allocated_pages: 64,
        unfreed: vec![unfreed(Kind::Slab, 3, &steady(8))],
        held_by: vec![],
        ..pipes()
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A minute: 48 seconds recorded, 12 drained, an epoch every one and a half.
fn window() -> Window {
    Window {
        started: Timestamp::from_second(1_795_000_000).expect("a moment in 2026"),
        record_seconds: seconds(48).into(),
        drain_seconds: seconds(12).into(),
        epochs: (0..32)
            .map(|epoch| Duration::from_millis(1500 * epoch).into())
            .collect(),
        recorded_before_seconds: None,
        scope: Scope::Kernel,
        filters: vec![],
        takers: None,
    }
}

pub(super) fn losses() -> Losses {
    Losses {
        events: 140_000,
        recursion_misses: RecursionMisses {
            alloc: Some(0),
            free: Some(0),
            bulk: Some(0),
        },
        missed_frees_at_end_pages: Some(0),
        unmatched_frees: 123_456,
        own_pages: 17,
        unread_bulk_pages: Some(0),
        unwind_rules: Some(UnwindRuleUse {
            hits: 9300,
            misses: 80,
            checked: 9,
            mismatched: 0,
        }),
        ..Losses::default()
    }
}

fn meminfo() -> Meminfo {
    let lines = |shmem| {
        BTreeMap::from([
            ("MemFree".to_owned(), 20 << 30),
            ("Shmem".to_owned(), shmem),
        ])
    };
    Meminfo {
        started: lines(1 << 20),
        ended: lines(5 << 20),
    }
}

/// The machine of all samples.
pub(super) fn host() -> Host {
    Host {
        kernel: "6.18.44".to_owned(),
        arch: "x86_64".to_owned(),
        cpus: 2,
        page_size: 4096,
        mem_total_bytes: 24 << 30,
    }
}

/// Pipes that were filled, by write and by splice, a driver that leaks all the time, and little
/// else.
pub(super) fn report() -> Report {
    Report {
        schema: Schema::default(),
        tool: Tool {
            name: "pagetrace".to_owned(),
            version: "0.1.0".to_owned(),
        },
        host: host(),
        window: window(),
        cost: Cost {
            process_cpu_seconds: Some(Duration::from_millis(192).into()),
            programs: Some(ProgramTime {
                runs: 100_000,
                nanoseconds: 7_600_000,
            }),
        },
        losses: losses(),
        limitations: vec![],
        meminfo: Some(meminfo()),
        taken_pages: 9877,
        gfp_flags: BTreeMap::from([
            ("GFP_KERNEL".to_owned(), 0xcc0),
            ("__GFP_ACCOUNT".to_owned(), 0x40_0000),
            ("__GFP_COMP".to_owned(), 0x4_0000),
            ("GFP_ATOMIC".to_owned(), 0x820),
            ("__GFP_IO".to_owned(), 0x40),
        ]),
        images: vec![
            Image {
                module: None,
                build_id: Some("0123456789abcdef".to_owned()),
                text_address: 0xffff_ffff_8100_0000,
            },
            Image {
                module: Some("virtio_net".to_owned()),
                build_id: Some("feed".to_owned()),
                text_address: 0xffff_ffff_c000_0000,
            },
        ],
        frames: frames(),
        sites: vec![pipes(), splices(), driver(), slabs(), full()],
    }
}

/// What is ranked unless the user says otherwise.
pub(super) fn selection() -> Selection {
    Selection {
        kinds: KindChoice::kinds(&[KindChoice::Unaccounted]),
        ..Selection::default()
    }
}
