use super::*;
use crate::model::{
    Counted, Feature, GrownMapping, Mapping, MemoryCgroup, MemoryLimit, Peek, ProcessSchema, Tool,
};

const MIB: u64 = 1 << 20;

const SCREEN: Extent = Extent {
    top: 12,
    whole: false,
};

fn mapping(name: &str, mib: u64, growth: Option<i64>) -> MappingGrowth {
    let mapping = Mapping {
        name: name.to_owned(),
        count: 1 + mib / 100,
        size_bytes: 2 * mib * MIB,
        rss_bytes: mib * MIB,
        pss_bytes: mib * MIB,
        anonymous_bytes: mib * MIB,
        swap_bytes: 0,
    };
    MappingGrowth {
        mapping,
        growth_bytes: growth.map(|mib| mib << 20),
    }
}

fn report() -> ProcessReport {
    let process = Process {
        pid: 4711,
        name: "python3".to_owned(),
        command_line: ["/usr/bin/python3", "-m", "queue"]
            .map(str::to_owned)
            .to_vec(),
        rss_bytes: Some(430 * MIB),
        pss_bytes: Some(425 * MIB),
        anonymous_bytes: Some(420 * MIB),
        file_bytes: Some(10 * MIB),
        shmem_bytes: Some(0),
        swap_bytes: Some(0),
        oom_score: Some(712),
        oom_score_adj: Some(300),
        ..Process::default()
    };
    ProcessReport {
        schema: ProcessSchema::V1,
        tool: Tool::own(),
        host: crate::render::sample::host(),
        taken_at: "2026-11-25T14:29:45Z".parse().expect("a time"),
        interval_seconds: None,
        growth_bytes: None,
        cgroup: Some(MemoryCgroup {
            path: "/pods/web".to_owned(),
            limit: Some(MemoryLimit {
                bytes: 512 * MIB,
                cgroup: "/pods".to_owned(),
            }),
            usage_bytes: None,
            oom_kills: Some(3),
            reclaim: None,
        }),
        mappings: vec![
            mapping("[heap]", 412, None),
            mapping("[anonymous]", 8, None),
            mapping(
                "/usr/lib/a/rather/long/path/to/a/library/libpython3.13.so.1.0",
                5,
                None,
            ),
        ],
        grown_mapping: None,
        peek: None,
        limitations: vec![],
        process,
    }
}

fn peeked() -> Peek {
    let counted = |(text, count): (&str, u64)| Counted {
        text: text.to_owned(),
        count,
    };
    Peek {
        mapping: "[heap]".to_owned(),
        present_pages: 105_472,
        sampled_pages: 2048,
        unreadable_pages: 1,
        sampled_bytes: 2048 * 4096,
        took_seconds: std::time::Duration::from_millis(412).into(),
        is_cut_short: false,
        zero_share: 0.031,
        entropy_bits_per_byte: 4.73,
        json_keys: [("session", 41_003), ("user", 41_001), ("expires", 40_998)]
            .map(counted)
            .to_vec(),
        strings: [("broker unreachable, queued", 1204), ("\u{1b}[31mRED", 7)]
            .map(counted)
            .to_vec(),
        masked_values: Some(41_000),
    }
}

fn grown() -> ProcessReport {
    ProcessReport {
        interval_seconds: Some(std::time::Duration::from_secs(10).into()),
        growth_bytes: Some(42 << 20),
        grown_mapping: Some(GrownMapping {
            name: "[heap]".to_owned(),
            growth_bytes: 42 << 20,
            all_growth_bytes: 43 << 20,
        }),
        mappings: vec![
            mapping("[heap]", 412, Some(42)),
            mapping("[stack]", 1, Some(0)),
        ],
        peek: Some(peeked()),
        ..report()
    }
}

fn screen(report: &ProcessReport, extent: Extent) -> String {
    let mut text = Vec::new();
    process(report, extent, &mut text).expect("memory takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
}

#[test]
fn one_process() {
    insta::assert_snapshot!("process", screen(&report(), SCREEN));
}

#[test]
fn one_that_grows_and_what_it_holds() {
    insta::assert_snapshot!("peek", screen(&grown(), SCREEN));
}

#[test]
fn one_whose_mappings_are_forbidden() {
    let mut report = report();
    report.mappings.clear();
    let reason = "cannot read /proc/4711/smaps: Permission denied";
    report.limitations = vec![Feature::ProcessMappings.degraded(reason)];
    insta::assert_snapshot!("forbidden", screen(&report, SCREEN));
}

#[test]
fn what_it_holds_is_told_by_numbers() {
    let told = |change: fn(&mut Peek)| {
        let mut peek = peeked();
        change(&mut peek);
        let mut text = Vec::new();
        peek::peek(&peek, SCREEN, &mut text).expect("memory takes everything");
        let text = anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string();
        text.lines().nth(1).unwrap_or_default().to_owned()
    };
    for (change, expected) in [
        ((|_| {}) as fn(&mut Peek), "JSON"),
        (|it| it.sampled_bytes = 0, "nothing that can be read"),
        (|it| it.zero_share = 0.97, "hardly anything but zeros"),
        (|it| it.json_keys.truncate(0), "mixed data"),
        (
            |it| {
                it.json_keys.clear();
                it.entropy_bits_per_byte = 7.99;
            },
            "random, compressed or encrypted",
        ),
    ] {
        let told = told(change);
        assert!(told.contains(&format!("[heap] holds {expected}")), "{told}");
    }
}
