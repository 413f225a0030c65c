//! Each page that is still marked is looked up: what is free is dropped, and
//! what a counter knows is not accused.

use std::{fs, io::Write as _, path::Path};

use pagetrace::kernel::host::zones;
use pagetrace_tests::harness::{
    Kernel, Leaker, OPEN_END, Outputs, Pagetrace, Site, Tracing, note, root_or_skip,
};

use crate::{LEAK, hold_500_pipes, pages_in_pipes};

const PAGE_FLAGS: &str = "/proc/kpageflags";
/// Numbers of include/uapi/linux/kernel-page-flags.h.
const SLAB: u32 = 7;
const BUDDY: u32 = 10;

/// A trace of 500 full pipes on a machine all of whose pages have these flags.
fn trace_where_all_pages_are(flags: u64) -> Outputs {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    write_flags(file.path(), flags);
    let trace = Tracing::start(&OPEN_END, |pagetrace| {
        pagetrace.seeing_file(PAGE_FLAGS, file.path()).spawn()
    });
    let _leak = hold_500_pipes();
    trace.end()
}

/// As many entries as there are page frames.
fn write_flags(path: &Path, flags: u64) {
    let zones = zones().expect("every kernel has them");
    let frames = zones.iter().map(|zone| zone.frames.end).max();
    let entries = vec![flags; frames.expect("some zone") as usize];
    let bytes: Vec<u8> = entries.into_iter().flat_map(u64::to_ne_bytes).collect();
    let mut file = fs::File::create(path).expect("our temporary file");
    file.write_all(&bytes).expect("room for it");
}

#[test]
fn free_pages_are_dropped_and_counted() {
    let Some(_machine) = root_or_skip("free_pages_are_dropped_and_counted") else {
        return;
    };
    let report = trace_where_all_pages_are(1 << BUDDY).report;
    assert!(report.sites.is_empty(), "{:#?}", report.sites);
    assert!(
        report.losses.missed_frees_at_end_pages >= Some(8000),
        "{:?}",
        report.losses
    );
}

#[test]
fn what_a_counter_knows_is_not_ranked() {
    let Some(_machine) = root_or_skip("what_a_counter_knows_is_not_ranked") else {
        return;
    };
    let outputs = trace_where_all_pages_are(1 << SLAB);
    let report = &outputs.report;
    assert_eq!(report.totals.ranked_pages, 0);
    assert_eq!(pages_in_pipes(report), 8000, "nothing is thrown away");
    // A page table that is a slab now is none any more.
    let kinds = report.totals.kinds.keys();
    assert!(
        kinds
            .clone()
            .all(|it| ["slab", "uncertain"].contains(&it.as_str())),
        "{kinds:?}"
    );
    assert!(outputs.table.contains(" slab"), "{}", outputs.table);
}

#[test]
fn without_page_flags_the_header_says_so() {
    let Some(_machine) = root_or_skip("without_page_flags_the_header_says_so") else {
        return;
    };
    let degraded = |pagetrace: Pagetrace| pagetrace.seeing(PAGE_FLAGS, "");
    let trace = Tracing::start(&OPEN_END, |pagetrace| degraded(pagetrace).spawn());
    let leak = hold_500_pipes();
    let outputs = trace.end();
    drop(leak);
    let reason = outputs.report.limited("page-verification");
    assert!(
        reason.is_some_and(|it| it.contains(PAGE_FLAGS)),
        "{reason:?}"
    );
    let header: Vec<_> = outputs.table.lines().take(5).collect();
    assert!(header.join("\n").contains("Not verified"), "{header:#?}");
    let kinds: Vec<_> = outputs.report.totals.kinds.keys().collect();
    assert_eq!(kinds, ["unverified"]);
    assert_eq!(pages_in_pipes(&outputs.report), 8000);
    assert!(outputs.report.sites[0].owner.contains("pipe_write"));

    let finished = degraded(Pagetrace::new(&["check"])).run();
    assert_eq!(finished.status.code(), Some(0), "{finished:#?}");
    assert!(
        finished.stdout.contains("page verification"),
        "{finished:#?}"
    );
}

#[test]
fn pages_in_pipes_are_raw_and_their_kin_are_not() {
    let Some(_machine) = root_or_skip("pages_in_pipes_are_raw_and_their_kin_are_not") else {
        return;
    };
    let trace = Tracing::attach(&[]);
    // More inodes than a cache keeps of those that earlier tests freed (Linux 7 keeps
    // several hundred objects and ten slabs): 500 pipes may take no new page there.
    let leak = Leaker::start(LEAK, &["pipes", "--count", "1600", "--pages", "5"]);
    assert_eq!(leak.announcement.pages, 8000);
    let report = trace.end().report;
    drop(leak);
    assert_eq!(report.limited("page-verification"), None);
    let pipes = report.sites_where(|it| it.contains("pipe_write") && it.contains("writev"));
    let raw: u64 = pipes.iter().map(|site| site.kinds["raw"]).sum();
    assert_eq!(raw, 8000);
    // Opening 1,600 pipes takes inodes, dentries and rings: slabs, every one.
    let slabs = report.sites_where(|it| it.contains("alloc_inode") && it.contains("pipe"));
    assert!(!slabs.is_empty());
    assert!(
        slabs.iter().all(|it| it.kinds.keys().eq(["slab"])),
        "{slabs:#?}"
    );
}

#[test]
fn every_kind_can_be_asked_for() {
    let Some(_machine) = root_or_skip("every_kind_can_be_asked_for") else {
        return;
    };
    let trace = Tracing::attach(&["--kind", "slab"]);
    let leak = hold_500_pipes();
    let outputs = trace.end();
    let (report, ranking) = (&outputs.report, outputs.ranking());
    assert!(ranking[0].contains("slab"), "{}", outputs.table);
    assert_eq!(report.totals.ranked_pages, report.totals.kinds["slab"]);
    assert!(report.totals.kinds["raw"] >= 8000, "{:?}", report.totals);
    assert!(outputs.table.contains(" MiB raw"), "{}", outputs.table);
    drop(leak);

    let trace = Tracing::attach(&["--kind", "all"]);
    let _leak = hold_500_pipes();
    let totals = trace.end().report.totals;
    assert_eq!(totals.ranked_pages, totals.unfreed_pages);
}

/// Slabs and the lowest page tables have a flag on every kernel, as long as they are that.
fn takes_flagged_pages(site: &Site) -> bool {
    ["allocate_slab", "pte_alloc_one"]
        .iter()
        .any(|name| site.symbols().take(8).any(|it| it == *name))
}

#[test]
fn what_lacks_its_flag_was_freed_unseen() {
    let Some(_machine) = root_or_skip("what_lacks_its_flag_was_freed_unseen") else {
        return;
    };
    // These tracepoints lose frees in interrupts that come while any program runs.
    let trace = Tracing::attach(&["--hook", "tracefs"]);
    let churn = Leaker::start(LEAK, &["churn", "--seconds", "20"]);
    churn.release();
    let report = trace.end().report;
    let losses = &report.losses;
    note(&format!(
        "{:?} frees lost, {:?} pages found free at the end, {:?}",
        losses.recursion_misses.free, losses.missed_frees_at_end_pages, report.totals.kinds
    ));
    let is_accused = |site: &Site| takes_flagged_pages(site) && site.ranked_pages > 0;
    let accused = report.sites_where(is_accused);
    assert!(accused.is_empty(), "{accused:#?}");
}

/// Whether vmalloc takes all its pages from the bulk allocator, traced or not: that is not asked for
/// what is charged (`__alloc_pages_bulk`, mm/page_alloc.c), which nothing is without a control group.
fn is_all_in_bulk() -> bool {
    const HAS_BULK: Kernel = Kernel {
        major: 5,
        minor: 13,
    };
    let groups = fs::read_to_string("/proc/cgroups").expect("every kernel has it");
    let memory = groups.lines().find(|line| line.starts_with("memory\t"));
    let count = memory.and_then(|line| line.split('\t').nth(2)?.parse().ok());
    Kernel::running() >= HAS_BULK && count.is_none_or(|count: u32| count <= 1)
}

#[test]
fn pages_of_other_programs_are_not_the_tracers() {
    let Some(_machine) = root_or_skip("pages_of_other_programs_are_not_the_tracers") else {
        return;
    };
    let mut comes_in_bulk = false;
    for hook in ["raw", "tracefs"] {
        let trace = Tracing::attach(&["--hook", hook]);
        let leak = Leaker::start(LEAK, &["programs"]);
        let report = trace.end().report;
        let has_no_bulk = report.limited("bulk-allocations").is_some();
        assert!(has_no_bulk || hook == "raw", "{:?}", report.limitations);
        comes_in_bulk |= !has_no_bulk;
        let is_leaks = |site: &Site| {
            let task = site.first_seen.as_ref();
            task.is_some_and(|task| task.name == "leak") && site.contains("sys_bpf")
        };
        let sites = report.sites_where(is_leaks);
        let begin = |site: &Site| site.symbols().next().is_some_and(|it| it.contains("alloc"));
        assert!(sites.iter().all(|site| begin(site)), "{hook}: {sites:#?}");
        // Before Linux 6.16 page tables of the kernel's own addresses have no flag and no counter.
        let is_page_table = |site: &Site| site.contains("pte_alloc_kernel");
        let through_vmalloc = |site: &&&Site| site.contains("vmalloc") && !is_page_table(site);
        let through_vmalloc = sites.iter().filter(through_vmalloc);
        let pages = |kind| {
            through_vmalloc
                .clone()
                .filter_map(move |site| site.kinds.get(kind))
        };
        // Where the bulk allocator is traced, it is where vmalloc has its pages from; tracefs
        // tracepoints do without.
        let vmalloc: u64 = pages("vmalloc").sum();
        let are_unseen = hook == "tracefs" && comes_in_bulk || has_no_bulk && is_all_in_bulk();
        assert!(
            are_unseen || vmalloc >= leak.announcement.pages,
            "{hook}: {sites:#?}"
        );
        assert_eq!(pages("raw").sum::<u64>(), 0, "{hook}: {sites:#?}");
    }
}
