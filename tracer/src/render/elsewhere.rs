//! Memory that went where the ranking does not look, if it is more than what is ranked.

use std::cmp::Reverse;

use super::text;
use crate::model::{Choice as _, Kind, Report, Scope, Summary};

/// Counters of pages that only `--scope all` records, and the kinds of these.
const UNRECORDED: [(&str, Kind); 2] = [("Shmem", Kind::File), ("Hugetlb", Kind::Hugetlb)];

/// Something that grew.
struct Grown {
    name: &'static str,
    bytes: u64,
    /// The options that rank it.
    options: String,
}

/// What grew, and how it is ranked, if that is more than all that is ranked, and not little.
pub(super) fn elsewhere(report: &Report, summary: &Summary) -> Option<String> {
    let selection = &summary.selection;
    if !selection.kinds.contains(&Kind::Raw) || selection.module.is_some() {
        return None;
    }
    let mut grown = unranked(report, summary);
    grown.extend(unrecorded(report));
    let sizes = grown.iter().map(|it| it.bytes);
    let bytes = sizes.fold(0, u64::saturating_add);
    let ranked = summary.totals.ranked_bytes;
    let little = report.host.mem_total_bytes / 1000;
    (bytes > ranked.max(little)).then(|| {
        grown.retain(|it| it.bytes >= bytes / 100);
        grown.sort_by_key(|it| Reverse(it.bytes));
        let (grown, ranked) = (listed(&grown), text::bytes(ranked));
        format!("Mostly not a raw-page leak: {grown}; raw pages: {ranked}")
    })
}

/// `410.00 MiB slab (--kind slab), 300.00 MiB Shmem (--scope all --kind file)`
fn listed(grown: &[Grown]) -> String {
    let listed = grown.iter().map(|it| {
        let Grown { name, options, .. } = it;
        format!("{} {name} ({options})", text::bytes(it.bytes))
    });
    listed.collect::<Vec<_>>().join(", ")
}

/// Pages that were kept and are not ranked.
fn unranked(report: &Report, summary: &Summary) -> Vec<Grown> {
    let kinds = summary.unranked_pages().into_iter();
    let grown = kinds.map(|(kind, pages)| Grown {
        name: kind.name(),
        bytes: pages * report.host.page_size,
        options: format!("--kind {}", kind.name()),
    });
    grown.collect()
}

/// Counters that grew. With a filter, they would tell of other memory than the rest does.
fn unrecorded(report: &Report) -> Vec<Grown> {
    let window = &report.window;
    let is_told = window.scope == Scope::Kernel && window.filters.is_empty();
    let meminfo = report.meminfo.as_ref().filter(|_| is_told);
    let grown = UNRECORDED.into_iter().filter_map(|(name, kind)| {
        Some(Grown {
            name,
            bytes: meminfo?.growth(name)?,
            options: format!("--scope all --kind {}", kind.name()),
        })
    });
    grown.collect()
}
