use jiff::Timestamp;

use super::*;
use crate::{
    analysis,
    kernel::meminfo,
    model::{
        Feature, HugePages, MemoryCounters, SlabCache, Snapshot, SnapshotSchema, Threshold, Tool,
        VmallocCaller, ZoneTotals,
    },
};

const INCIDENT: &str = include_str!("../analysis/balance/incident-1-meminfo.txt");

fn snapshot(memory: MemoryCounters) -> Snapshot {
    Snapshot {
        schema: SnapshotSchema::V1,
        tool: Tool::own(),
        host: crate::render::sample::host(),
        taken_at: Timestamp::UNIX_EPOCH,
        memory,
        census: None,
        holders: None,
        shmem: None,
        processes: None,
        pages: None,
        page_holders: None,
        sockets: None,
        limitations: vec![Feature::SlabCaches.degraded("no\x1b[31m right")],
    }
}

fn shown(memory: MemoryCounters, whole: bool) -> String {
    let snapshot = snapshot(memory);
    let balance = analysis::balance(&snapshot.memory, Threshold::Usual).expect("a balance");
    let report = MemReport::new(snapshot, balance, Vec::new());
    let mut text = Vec::new();
    mem(&report, Extent { top: 2, whole }, &mut text).expect("memory takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
}

fn incident() -> MemoryCounters {
    MemoryCounters {
        page_size: 4096,
        meminfo: meminfo::lines(INCIDENT),
        ..MemoryCounters::default()
    }
}

#[test]
fn the_incident_on_one_screen() {
    let text = shown(incident(), false);
    assert!(text.lines().count() <= 24, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn everything_that_can_be_shown() {
    let cache = |name: &str, bytes| SlabCache {
        name: name.to_owned(),
        bytes,
        ..SlabCache::default()
    };
    let caller = |function: &str, module: Option<&str>| VmallocCaller {
        function: function.to_owned(),
        module: module.map(str::to_owned),
        bytes: 5 << 20,
        areas: 1,
    };
    let memory = MemoryCounters {
        zones: Some(ZoneTotals {
            per_cpu_list_pages: 2560,
            reserve_pages: 256,
            ..ZoneTotals::default()
        }),
        huge_pages: vec![HugePages {
            page_bytes: 2 << 20,
            total: 50,
            free: 40,
            reserved: 10,
            surplus: 0,
        }],
        slabs: Some(vec![cache("dentry", 3 << 20), cache("evil\n", 9 << 20)]),
        vmalloc: Some(vec![
            caller("load_module", Some("evil")),
            caller("vmap", None),
        ]),
        ..incident()
    };
    insta::assert_snapshot!(shown(memory, true));
}
