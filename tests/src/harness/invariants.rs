//! What is true of every report, whatever the machine did meanwhile.

use std::collections::BTreeSet;

use super::{Folded, Report, Site};

/// Panics unless `report` adds up.
pub(super) fn check_report(report: &Report) {
    assert_eq!(report.schema, "pagetrace.report/1");
    check_totals(report);
    check_window(report);
    check_losses(report);
    for (site, rank) in report.sites.iter().zip(1..) {
        assert_eq!(site.rank, rank, "ranks are 1, 2, 3, …");
        check_site(site, report.host.page_size);
    }
}

/// Panics unless `folded` tells of the same pages as `report`.
pub(super) fn check_folded(folded: &Folded, report: &Report) {
    assert_eq!(folded.bytes(), report.totals.ranked_bytes);
    let stacks: Vec<_> = folded.stacks.iter().map(|stack| &stack.frames).collect();
    let distinct: BTreeSet<_> = stacks.iter().collect();
    assert_eq!(distinct.len(), stacks.len(), "one line per distinct stack");
}

/// Panics unless the lines of a folded document are in order.
pub(super) fn check_sorted(folded: &str) {
    let lines: Vec<_> = folded.lines().collect();
    assert!(lines.is_sorted(), "folded lines are sorted:\n{folded}");
}

fn check_totals(report: &Report) {
    let pages: u64 = report.sites.iter().map(|site| site.unfreed_pages).sum();
    assert_eq!(
        report.totals.unfreed_pages, pages,
        "the sites add up to the total"
    );
    assert_eq!(report.totals.unfreed_bytes, pages * report.host.page_size);
    assert_eq!(report.totals.sites, report.sites.len() as u64);
    let ranked: u64 = report.sites.iter().map(|site| site.ranked_pages).sum();
    assert_eq!(report.totals.ranked_pages, ranked);
    assert_eq!(report.totals.ranked_bytes, ranked * report.host.page_size);
    assert_eq!(report.totals.kinds.values().sum::<u64>(), pages);
    let is_ranked = |site: &Site| site.ranked_pages > 0;
    let in_order = report.sites.is_sorted_by_key(|site| !is_ranked(site));
    assert!(in_order, "what is not ranked comes last");
}

fn check_losses(report: &Report) {
    let losses = &report.losses;
    let misses = &losses.recursion_misses_by_program;
    let sum = misses
        .alloc
        .zip(misses.free)
        .map(|(alloc, free)| alloc + free);
    let sum = sum.map(|sum| sum + misses.bulk.unwrap_or(0));
    assert_eq!(losses.recursion_misses, sum, "{losses:?}");
    assert!(losses.lost_events <= losses.events, "{losses:?}");
    for (limited, count) in [
        ("bulk-allocations", losses.unread_bulk_pages),
        ("page-verification", losses.phantom_pages),
    ] {
        let is_limited = report.limited(limited).is_some();
        assert_eq!(count.is_none(), is_limited, "{limited}: {losses:?}");
    }
}

fn check_window(report: &Report) {
    let window = &report.window;
    let parts = window.record_seconds + window.drain_seconds;
    assert!((window.seconds - parts).abs() < 0.01, "{window:?}");
    assert!(
        window.record_seconds >= 0.0 && window.drain_seconds >= 0.0,
        "{window:?}"
    );
}

fn check_site(site: &Site, page_size: u64) {
    let pages = site.unfreed_pages;
    assert!(pages > 0, "a site without pages: {site:#?}");
    assert_eq!(site.unfreed_bytes, pages * page_size, "{site:#?}");
    assert_eq!(
        site.orders.values().sum::<u64>(),
        pages,
        "orders: {site:#?}"
    );
    assert!(site.orders.keys().all(|order| *order <= 10), "{site:#?}");
    assert_eq!(site.kinds.values().sum::<u64>(), pages, "kinds: {site:#?}");
    assert!(site.ranked_pages <= pages, "{site:#?}");
    assert_eq!(
        site.ranked_bytes,
        site.ranked_pages * page_size,
        "{site:#?}"
    );
    assert!(site.allocated_pages >= pages, "{site:#?}");
    assert!(site.growth_bytes_per_second >= 0.0, "{site:#?}");
    check_ages(site);
    check_frames(site);
    check_context(site);
}

fn check_ages(site: &Site) {
    let ages = &site.age_histogram;
    assert_eq!(
        ages.iter().map(|age| age.pages).sum::<u64>(),
        site.unfreed_pages,
        "{site:#?}"
    );
    assert!(
        ages.iter().all(|age| age.from_seconds <= age.to_seconds),
        "{site:#?}"
    );
    let old_to_new = ages.is_sorted_by(|old, new| old.from_seconds >= new.to_seconds);
    assert!(old_to_new, "ages run from old to new: {site:#?}");
}

fn check_frames(site: &Site) {
    let placeholder = site.owner.starts_with('[');
    assert_eq!(site.frames.is_empty(), placeholder, "{site:#?}");
    for frame in &site.frames {
        let digits = frame
            .address
            .strip_prefix("0x")
            .expect("an address starts with 0x");
        u64::from_str_radix(digits, 16).expect("an address is hexadecimal");
    }
    assert!(!site.symbols().any(is_tracer), "our own: {site:#?}");
}

/// An interrupt's stack ends where it entered the kernel; a task's has no such place.
fn check_context(site: &Site) {
    let mut entries = site.symbols().filter(|it| enters_interrupt(it));
    if site.context == "task" {
        assert_eq!(entries.next(), None, "{site:#?}");
        assert!(site.interrupted_frames.is_empty(), "{site:#?}");
    } else {
        assert_eq!(entries.count(), 1, "{site:#?}");
        let outermost = site.symbols().last().expect("it has a name");
        assert!(enters_interrupt(outermost), "{site:#?}");
    }
}

fn enters_interrupt(symbol: &str) -> bool {
    const ENTRIES: [&str; 5] = [
        "handle_softirqs",
        "__do_softirq",
        "__softirqentry_text_start",
        "asm_sysvec_",
        "asm_common_interrupt",
    ];
    ENTRIES.iter().any(|entry| symbol.starts_with(entry))
}

/// Whether a function is a BPF program, `bpf_prog_TAG_NAME`, or runs one. Other
/// functions called `bpf_prog_…` may well load another tracer in the window.
fn is_tracer(symbol: &str) -> bool {
    let tag = symbol.strip_prefix("bpf_prog_").and_then(|it| it.get(..16));
    symbol.contains("bpf_trace_")
        || tag.is_some_and(|tag| tag.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::is_tracer;

    #[test]
    fn a_tracer_is_told_from_what_loads_one() {
        assert!(is_tracer("bpf_prog_0123456789abcdef_page_alloc"));
        assert!(is_tracer("bpf_trace_run4"));
        for other in ["bpf_prog_load", "bpf_prog_select_runtime", "__alloc_pages"] {
            assert!(!is_tracer(other), "{other}");
        }
    }
}
