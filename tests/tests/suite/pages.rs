//! `pagetrace pages`: every page frame has a use, and the uses agree with the kernel's counters.

use std::collections::BTreeMap;

use pagetrace_tests::harness::{Leaker, Pagetrace, eventually, note, root_or_skip};
use serde::Deserialize;

use crate::LEAK;

const MIB: i64 = 1 << 20;

/// What each leak takes.
const TAKEN: i64 = 64 * MIB;

#[derive(Deserialize)]
struct Report {
    schema: String,
    host: Host,
    uses: Vec<Use>,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Host {
    page_size: i64,
    mem_total_bytes: i64,
}

#[derive(Debug, Deserialize)]
struct Use {
    page_use: String,
    bytes: i64,
    counters_bytes: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Group {
    page_use: String,
    owner: Option<String>,
    pages: i64,
}

fn report() -> Report {
    let finished = Pagetrace::new(&["pages", "--json", "-"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    let report: Report = serde_json::from_str(&finished.stdout).expect("JSON");
    assert_eq!(report.schema, "pagetrace.pages/1");
    report
}

impl Report {
    fn bytes(&self, uses: &[&str]) -> i64 {
        let uses = self
            .uses
            .iter()
            .filter(|it| uses.contains(&it.page_use.as_str()));
        uses.map(|it| it.bytes).sum()
    }

    /// Bytes of these uses by whom they belong to.
    fn owners(&self, page_use: &str) -> BTreeMap<&str, i64> {
        let mut owners = BTreeMap::new();
        for group in self.groups.iter().filter(|it| it.page_use == page_use) {
            let owner = group.owner.as_deref().unwrap_or_default();
            *owners.entry(owner).or_default() += group.pages * self.host.page_size;
        }
        owners
    }
}

/// Kernel memory without a mark of its own; where control groups are charged for it, that is one.
const UNMARKED: [&str; 3] = ["plain", "charged", "unreferenced"];

/// The machine once each use that a leak is looked for in stays as it is: the kernel frees late what
/// earlier tests have left.
fn steady() -> Report {
    const LOOKED_AT: [&[&str]; 6] = [
        &UNMARKED,
        &["slab"],
        &["vmalloc"],
        &["page-table"],
        &["shmem"],
        &["hugetlb"],
    ];
    let mut last = report();
    eventually("the memory to stay as it is", || {
        let now = report();
        let moved = LOOKED_AT.map(|uses| (now.bytes(uses) - last.bytes(uses)).abs());
        last = now;
        moved.iter().all(|&bytes| bytes <= MIB / 4).then(report)
    })
}

#[test]
fn uses_agree_with_the_counters() {
    let Some(_machine) = root_or_skip("uses_agree_with_the_counters") else {
        return;
    };
    let report = report();
    let limit = (report.host.mem_total_bytes / 200).max(8 * MIB);
    for row in &report.uses {
        note(&format!("{row:?}"));
        // What moves between free lists does so faster than it can be counted.
        let is_free = row.page_use.starts_with("free");
        let counted = row.counters_bytes.filter(|_| !is_free);
        let difference = counted.map_or(0, |counted| (row.bytes - counted).abs());
        assert!(difference <= limit, "{row:?}: more than {limit}");
    }
    let used = |row: &&Use| !["reserved", "absent"].contains(&row.page_use.as_str());
    let all: i64 = report.uses.iter().filter(used).map(|row| row.bytes).sum();
    assert!(
        (all - report.host.mem_total_bytes).abs() <= limit,
        "{:#?}",
        report.uses
    );
}

#[test]
fn what_was_taken_before_is_found_by_its_use() {
    let Some(_machine) = root_or_skip("what_was_taken_before_is_found_by_its_use") else {
        return;
    };
    let mut last = steady();
    let in_pages = TAKEN / rustix::param::page_size() as i64;
    let (pipes, blocks) = ((in_pages / 16).to_string(), (in_pages / 8).to_string());
    for (leak, uses) in [
        (
            &["pipes", "--count", &pipes, "--pages", "16"][..],
            &UNMARKED[..],
        ),
        (
            &["packet-ring", "--blocks", &blocks, "--order", "3"],
            &UNMARKED,
        ),
        (&["counted", "--kind", "slab"], &["slab"]),
        (&["counted", "--kind", "vmalloc"], &["vmalloc"]),
        (&["counted", "--kind", "page-tables"], &["page-table"]),
        (&["counted", "--kind", "shmem"], &["shmem"]),
        (&["counted", "--kind", "hugetlb"], &["hugetlb"]),
    ] {
        let before = last.bytes(uses);
        let leaker = Leaker::start(LEAK, leak);
        let grown = report().bytes(uses) - before;
        assert!((grown - TAKEN).abs() <= 2 * MIB, "{leak:?}: {grown}");
        leaker.release();
        last = eventually("the memory to be given back", || {
            let now = report();
            (now.bytes(uses) < before + MIB).then_some(now)
        });
    }
}

#[test]
fn caches_and_callers_of_vmalloc_have_names() {
    let Some(_machine) = root_or_skip("caches_and_callers_of_vmalloc_have_names") else {
        return;
    };
    let _leak = Leaker::start(LEAK, &["counted", "--kind", "vmalloc"]);
    let report = report();
    let caches = report.owners("slab");
    let dentries = caches.get("dentry").copied().unwrap_or(0);
    assert!(dentries > 0, "{caches:?}");
    let callers = report.owners("vmalloc");
    let most = callers
        .iter()
        .max_by_key(|(_, bytes)| **bytes)
        .expect("a caller");
    assert!(*most.1 >= TAKEN && most.0.contains("alloc"), "{callers:?}");
}

#[test]
fn a_page_frame_is_shown_and_its_data_only_when_asked_for() {
    let test = "a_page_frame_is_shown_and_its_data_only_when_asked_for";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let list = Pagetrace::new(&["pages", "--list", "reserved", "--json", "-"]).run();
    let list: serde_json::Value = serde_json::from_str(&list.stdout).expect("JSON");
    let frames = list["list"]["blocks"].as_array().expect("a list").iter();
    // Of some reserved page frames the kernel has no mapping: firmware's, say.
    let mut frames = frames.filter_map(|block| block["frame"].as_u64());
    let shown = frames.find_map(|frame| {
        let frame = frame.to_string();
        let screen = Pagetrace::new(&["pages", "--peek", &frame]).run();
        screen.status.success().then_some((frame, screen))
    });
    let (frame, screen) = shown.expect("a page frame that can be read");
    assert_eq!(screen.stdout.lines().count(), 2, "{screen:#?}");
    assert!(
        screen.stdout.contains(": reserved; content: "),
        "{screen:#?}"
    );
    let raw = Pagetrace::new(&["pages", "--peek", &frame, "--raw"]).run();
    assert_eq!(
        raw.stdout.lines().count(),
        2 + rustix::param::page_size() / 16,
        "{raw:#?}"
    );
    assert!(
        raw.stderr.contains("may be a password or a key"),
        "{raw:#?}"
    );
    let none = Pagetrace::new(&["pages", "--peek", "0xffffffffffff"]).run();
    assert!(
        none.complaint()
            .contains("0xffffffffffff is free, or is none")
    );
}
