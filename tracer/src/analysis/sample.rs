//! Windows made by hand, for tests.

use std::time::Duration;

use jiff::Timestamp;
use tracer_ebpf::FIRST_SITE;

use super::{Cell, Recorded, Timeline, report};
use crate::model::{
    Frame, Host, Kind, KindChoice, Report, Scope, Selection, SiteRecord, Takers, Window,
};

const SECOND: Duration = Duration::from_secs(1);

/// One site: its id, its stack, and its pages per epoch.
pub(super) type Given = (u32, Vec<u64>, Vec<u32>);

/// Names addresses below 10 after themselves, 10 as the entry of softirqs, 11
/// as the way to vmalloc, 12 as in a module, 13 like 1, and nothing else.
fn few(addresses: &[u64]) -> Vec<Vec<Frame>> {
    let frame = |&address| Frame {
        address,
        ..match address {
            0..10 => Frame::named(&format!("f{address}")),
            10 => Frame::named("handle_softirqs"),
            11 => Frame::named("__vmalloc_node_range"),
            12 => Frame {
                module: Some("nvme".to_owned()),
                ..Frame::named("fill")
            },
            13 => Frame::named("f1"),
            _ => Frame::default(),
        }
    };
    addresses
        .iter()
        .map(|address| vec![frame(address)])
        .collect()
}

/// Eight seconds recorded, two drained, an epoch a second.
pub(super) fn window() -> Window {
    let mut timeline = Timeline::default();
    (1..8).for_each(|second| {
        timeline.begin(SECOND * second);
    });
    Window {
        started: Timestamp::UNIX_EPOCH,
        record_seconds: (SECOND * 8).into(),
        drain_seconds: (SECOND * 2).into(),
        epochs: timeline.starts(),
        recorded_before_seconds: None,
        scope: Scope::Kernel,
        filters: vec![],
        takers: None,
    }
}

fn host() -> Host {
    Host {
        kernel: "6.18".to_owned(),
        arch: "x86_64".to_owned(),
        cpus: 2,
        page_size: 4096,
        mem_total_bytes: 1 << 30,
    }
}

pub(super) fn known(index: u32, frames: &[u64], pages_per_epoch: &[u32]) -> Given {
    (
        FIRST_SITE + index,
        frames.to_vec(),
        pages_per_epoch.to_vec(),
    )
}

pub(super) fn three_sites() -> [Given; 3] {
    [
        known(0, &[1], &[0, 100]),
        known(1, &[2], &[5; 8]),
        known(2, &[99, 1], &[0, 0, 0, 0, 0, 0, 0, 60]),
    ]
}

pub(super) fn recorded(sites: &[Given], kind: Kind) -> Recorded {
    let cells = |&(id, _, ref pages): &Given| {
        let pages = (0..).zip(pages.clone()).filter(|&(_, pages)| pages > 0);
        pages.map(move |(epoch, pages)| (id, Cell { epoch, kind }, pages))
    };
    let record = |frames: &[u64]| SiteRecord {
        frames: frames.to_vec(),
        first_seen: Some((7, "task".to_owned())),
        ..SiteRecord::default()
    };
    let survivors = sites.iter().flat_map(cells);
    let records = sites.iter().map(|(id, frames, _)| (*id, record(frames)));
    Recorded {
        survivors: survivors.collect(),
        records: records.collect(),
        ..Recorded::default()
    }
}

pub(super) fn reported(sites: &[Given]) -> Report {
    reported_as(sites, Kind::Raw)
}

pub(super) fn reported_as(sites: &[Given], kind: Kind) -> Report {
    report(host(), window(), recorded(sites, kind), few)
}

/// The same where takers are told apart: `taker` gives that of a site. The cgroup 4711 is there.
pub(super) fn reported_by(sites: &[Given], takers: Takers, taker: impl Fn(u32) -> u64) -> Report {
    let window = Window {
        takers: Some(takers),
        ..window()
    };
    let mut recorded = recorded(sites, Kind::Raw);
    for (id, record) in &mut recorded.records {
        record.taker = Some(taker(*id)).filter(|_| !record.frames.is_empty());
    }
    recorded.cgroup_paths.insert(4711, "/pod".to_owned());
    report(host(), window, recorded, few)
}

pub(super) fn everything() -> Selection {
    Selection {
        kinds: KindChoice::kinds(&[KindChoice::All]),
        ..Selection::default()
    }
}
