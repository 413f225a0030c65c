//! What people and programs read, word for word, from one report made by hand.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::*;
use crate::{
    model::{AgeBucket, Context, Frame, Host, Kind, Losses, RecursionMisses, Totals, Window},
    render::{folded, json},
};

fn frame(symbol: &str, offset: u64, address: u64) -> Arc<Frame> {
    Arc::new(Frame {
        symbol: Some(symbol.to_owned()),
        offset: Some(offset),
        address,
        ..Frame::default()
    })
}

fn histogram(pages: [u64; 8]) -> Vec<AgeBucket> {
    let bucket = |(i, pages)| {
        let youngest = 12 + 6 * (7 - i);
        AgeBucket {
            from_seconds: youngest as f64,
            to_seconds: (youngest + 6) as f64,
            pages,
        }
    };
    (0..8_u32).zip(pages).map(bucket).collect()
}

fn pipes() -> Site {
    Site {
        rank: 1,
        owner: "anon_pipe_write".to_owned(),
        module: None,
        unfreed_pages: 8000,
        unfreed_bytes: 8000 * 4096,
        ranked_pages: 8000,
        ranked_bytes: 8000 * 4096,
        ranked_kinds: BTreeMap::from([(Kind::Raw, 8000)]),
        allocated_pages: 8016,
        kinds: BTreeMap::from([(Kind::Raw, 8000)]),
        orders: BTreeMap::from([(0, 8000)]),
        growth_bytes_per_second: 0,
        age_histogram: histogram([0, 4000, 4000, 0, 0, 0, 0, 0]),
        frames: vec![
            frame("__alloc_frozen_pages_noprof", 0x26b, 0xffff_ffff_8161_526b),
            frame("anon_pipe_write", 0x10f, 0xffff_ffff_8170_010f),
            frame("do_syscall_64", 0x71, 0xffff_ffff_8200_0071),
        ],
        context: Context::Task,
        interrupted_frames: vec![],
        owner_frame: Some(1),
        first_seen: Some((4242, "leak".to_owned())),
    }
}

fn driver() -> Site {
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
    Site {
        rank: 2,
        owner: "rx_page".to_owned(),
        module: Some("virtio_net".to_owned()),
        unfreed_pages: 136,
        unfreed_bytes: 136 * 4096,
        ranked_pages: 130,
        ranked_bytes: 130 * 4096,
        ranked_kinds: BTreeMap::from([(Kind::Raw, 130)]),
        allocated_pages: 1360,
        kinds: BTreeMap::from([(Kind::Raw, 130), (Kind::File, 6)]),
        orders: BTreeMap::from([(0, 8), (3, 128)]),
        growth_bytes_per_second: 11_605,
        age_histogram: histogram([17; 8]),
        frames: [inner, outer, Frame::unnamed(0xffff_ffff_c0de_0010)]
            .map(Arc::new)
            .into(),
        context: Context::Softirq,
        interrupted_frames: vec![
            frame("asm_common_interrupt", 0x22, 0xffff_ffff_8200_1022),
            frame("cpu_idle", 0x10, 0xffff_ffff_8100_0010),
        ],
        owner_frame: Some(0),
        first_seen: Some((0, "swapper/0".to_owned())),
    }
}

fn full() -> Site {
    Site {
        rank: 3,
        owner: "[site table full]".to_owned(),
        unfreed_pages: 1,
        unfreed_bytes: 4096,
        ranked_pages: 1,
        ranked_bytes: 4096,
        ranked_kinds: BTreeMap::from([(Kind::Raw, 1)]),
        allocated_pages: 1,
        kinds: BTreeMap::from([(Kind::Raw, 1)]),
        orders: BTreeMap::from([(0, 1)]),
        age_histogram: histogram([0, 0, 0, 0, 0, 0, 0, 1]),
        frames: vec![],
        owner_frame: None,
        first_seen: None,
        ..pipes()
    }
}

/// A table of slabs, which nobody asked to see.
fn slabs() -> Site {
    Site {
        rank: 4,
        owner: "alloc_inode".to_owned(),
        unfreed_pages: 64,
        unfreed_bytes: 64 * 4096,
        ranked_pages: 0,
        ranked_bytes: 0,
        ranked_kinds: BTreeMap::new(),
        allocated_pages: 64,
        kinds: BTreeMap::from([(Kind::Slab, 64)]),
        orders: BTreeMap::from([(3, 64)]),
        age_histogram: histogram([8; 8]),
        frames: vec![frame("alloc_inode", 0x20, 0xffff_ffff_8100_0020)],
        owner_frame: Some(0),
        ..pipes()
    }
}

fn report() -> Report {
    Report {
        host: Host {
            kernel: "6.18.44".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 2,
            page_size: 4096,
            mem_total_bytes: 24 << 30,
        },
        window: Window {
            started: Timestamp::from_second(1_795_000_000).expect("a moment in 2026"),
            seconds: 60.0,
            record_seconds: 48.0,
            drain_seconds: 12.0,
            scope: Scope::Kernel,
            filters: vec![],
        },
        totals: Totals {
            unfreed_pages: 8201,
            unfreed_bytes: 8201 * 4096,
            ranked_pages: 8131,
            ranked_bytes: 8131 * 4096,
            kinds: BTreeMap::from([(Kind::Raw, 8131), (Kind::Slab, 64), (Kind::File, 6)]),
            sites: 4,
        },
        losses: Losses {
            events: 140_000,
            lost_events: 4,
            recursion_misses: Some(3),
            recursion_misses_by_program: RecursionMisses {
                alloc: Some(1),
                free: Some(2),
                bulk: Some(0),
            },
            phantom_pages: Some(2),
            healed_pages: 1,
            site_table_full: 1,
            unmatched_frees: 123_456,
            own_pages: 17,
            unread_bulk_pages: Some(0),
            ..Losses::default()
        },
        limitations: vec![],
        sites: vec![pipes(), driver(), full(), slabs()],
        taken_pages: 9377,
        too_young_pages: 5,
    }
}

fn table_text(report: &Report, top: usize) -> String {
    let mut text = Vec::new();
    table(report, top, &mut text).expect("memory takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
}

fn text_of(write: impl Fn(&Report, &mut dyn Write) -> io::Result<()>) -> String {
    let mut text = Vec::new();
    write(&report(), &mut text).expect("memory takes everything");
    String::from_utf8(text).expect("all names are UTF-8")
}

#[test]
fn the_table() {
    insta::assert_snapshot!("table", table_text(&report(), 2));
}

#[test]
fn a_table_of_nothing() {
    let nothing = Report {
        totals: Totals::default(),
        losses: Losses {
            phantom_pages: Some(0),
            unread_bulk_pages: Some(0),
            ..Losses::default()
        },
        sites: vec![],
        taken_pages: 12,
        too_young_pages: 0,
        ..report()
    };
    insta::assert_snapshot!("table_of_nothing", table_text(&nothing, 10));
}

#[test]
fn a_table_of_doubts() {
    let mut doubtful = report();
    doubtful.window.filters = vec!["--order 2..3".to_owned(), "--node 0".to_owned()];
    doubtful.losses = Losses {
        events: 1000,
        lost_events: 34,
        ..Losses::default()
    };
    let refused = "the kernel refuses fexit programs (EPERM)";
    let unread = "cannot read /proc/kpageflags: Permission denied";
    doubtful.limitations = vec![
        Feature::BulkAllocations.degraded(refused),
        Feature::PageVerification.degraded(unread),
    ];
    insta::assert_snapshot!("table_of_doubts", table_text(&doubtful, 0));
}

#[test]
fn the_json() {
    insta::assert_snapshot!("json", text_of(json));
}

#[test]
fn the_folded_stacks() {
    insta::assert_snapshot!("folded", text_of(folded));
}

#[test]
fn folded_bytes_add_up() {
    let text = text_of(folded);
    let bytes = text
        .lines()
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    assert_eq!(bytes.sum::<u64>(), report().totals.ranked_bytes);
}

#[test]
fn colours_can_be_taken_out() {
    let mut text = Vec::new();
    table(&report(), 1, &mut text).expect("memory takes everything");
    assert!(String::from_utf8_lossy(&text).contains("\u{1b}[31m1"));
    assert!(!table_text(&report(), 1).contains('\u{1b}'));
}
