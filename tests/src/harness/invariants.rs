//! What is true of every report, whatever the machine did meanwhile.

use std::collections::BTreeSet;

use super::{Entry, Folded, Report, Site};

/// Panics unless `report` adds up.
pub(super) fn check_report(report: &Report) {
    assert_eq!(report.schema, "pagetrace.report/2");
    assert_eq!(report.tool.0, "pagetrace", "{}", report.tool.1);
    check_totals(report);
    check_window(report);
    check_cost(report);
    check_losses(report);
    for site in &report.sites {
        check_site(site);
    }
    for (entry, rank) in report.entries.iter().zip(1..) {
        assert_eq!(entry.rank, rank, "ranks are 1, 2, 3, …");
        check_entry(entry, report);
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
    let (totals, page_size) = (&report.totals, report.host.page_size);
    let pages: u64 = report.sites.iter().map(|site| site.unfreed_pages).sum();
    let counted = totals.unfreed_pages + totals.too_young_pages;
    assert_eq!(counted, pages, "the sites add up to the total");
    assert_eq!(totals.unfreed_bytes, totals.unfreed_pages * page_size);
    assert_eq!(totals.kinds.values().sum::<u64>(), totals.unfreed_pages);
    let ranked = || report.sites.iter().filter(|site| site.ranked_pages > 0);
    let pages: u64 = ranked().map(|site| site.ranked_pages).sum();
    assert_eq!(totals.ranked_pages, pages);
    assert_eq!(totals.ranked_bytes, pages * page_size);
    assert_eq!(totals.ranked_kinds.values().sum::<u64>(), pages);
    assert_eq!(totals.sites, ranked().count() as u64);
    let pages: u64 = report.entries.iter().map(|entry| entry.pages).sum();
    assert_eq!(totals.ranked_pages, pages, "the entries add up, too");
    assert_eq!(totals.lost_events, report.losses.lost_events());
    let left = report.taken_pages.checked_sub(counted);
    assert!(left.is_some(), "more pages left than taken: {totals:?}");
}

fn check_cost(report: &Report) {
    let cost = &report.cost;
    let cpu = cost.process_cpu_seconds.expect("every kernel tells it");
    let cpus = report.host.cpus as f64;
    let before = report.window.recorded_before_seconds.unwrap_or(0.0);
    let seconds = before + report.window.seconds();
    assert!(cpu <= seconds * cpus + 0.1, "{cost:?}");
    if let Some(programs) = cost.programs {
        assert!(programs.runs > 0, "{cost:?}");
    }
}

fn check_losses(report: &Report) {
    let losses = &report.losses;
    assert!(losses.lost_events() <= losses.events, "{losses:?}");
    for (limited, count) in [
        ("bulk-allocations", losses.unread_bulk_pages),
        ("page-verification", losses.missed_frees_at_end_pages),
    ] {
        let is_limited = report.limited(limited).is_some();
        assert_eq!(count.is_none(), is_limited, "{limited}: {losses:?}");
    }
}

fn check_window(report: &Report) {
    let window = &report.window;
    assert!(
        window.record_seconds >= 0.0 && window.drain_seconds >= 0.0,
        "{window:?}"
    );
    assert_eq!(window.epochs.first(), Some(&0.0), "{window:?}");
    assert!(window.epochs.is_sorted_by(|a, b| a < b), "{window:?}");
    let epochs = report.sites.iter().flat_map(|site| &site.unfreed);
    let mut epochs = epochs.flat_map(|unfreed| &unfreed.by_epoch);
    let is_known = epochs.all(|&(epoch, _)| epoch < window.epochs.len());
    assert!(is_known, "a page of an epoch that never was: {window:?}");
}

fn check_site(site: &Site) {
    let pages = site.unfreed_pages;
    assert!(pages > 0, "a site without pages: {site:#?}");
    assert!(site.orders.keys().all(|order| *order <= 10), "{site:#?}");
    assert!(site.ranked_pages <= pages, "{site:#?}");
    assert!(site.allocated_pages >= pages, "{site:#?}");
    for unfreed in &site.unfreed {
        let in_order = unfreed.by_epoch.is_sorted_by(|a, b| a.0 < b.0);
        assert!(in_order, "one number for an epoch: {site:#?}");
    }
    check_frames(site);
    check_context(site);
}

fn check_entry(entry: &Entry, report: &Report) {
    let pages = entry.pages;
    assert!(pages > 0, "an entry without pages: {entry:#?}");
    assert_eq!(entry.bytes, pages * report.host.page_size, "{entry:#?}");
    assert_eq!(entry.kinds.values().sum::<u64>(), pages, "{entry:#?}");
    assert_eq!(entry.orders.values().sum::<u64>(), pages, "{entry:#?}");
    assert!(entry.allocated_pages >= pages, "{entry:#?}");
    let shares = entry.sites.iter().map(|share| share.pages);
    assert_eq!(shares.clone().sum::<u64>(), pages, "{entry:#?}");
    assert!(shares.is_sorted_by(|a, b| a >= b), "{entry:#?}");
    check_ages(entry);
}

fn check_ages(entry: &Entry) {
    let ages = &entry.age_histogram;
    assert_eq!(
        ages.iter().map(|age| age.pages).sum::<u64>(),
        entry.pages,
        "{entry:#?}"
    );
    assert!(
        ages.iter().all(|age| age.from_seconds <= age.to_seconds),
        "{entry:#?}"
    );
    let old_to_new = ages.is_sorted_by(|old, new| old.from_seconds >= new.to_seconds);
    assert!(old_to_new, "ages run from old to new: {entry:#?}");
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

/// An interrupt's stack ends where it entered the kernel; a task's has no such place. Whom an
/// interrupt hit first is nobody's business.
fn check_context(site: &Site) {
    assert!(
        site.first_seen.is_none() || site.context == "task",
        "{site:#?}"
    );
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
