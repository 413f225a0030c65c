//! Functions that take page frames and keep them.

use super::Facts;
use crate::{
    analysis::summary,
    model::{
        Cause, Entry, Finding, Gravity, HeldPages, KindChoice, Remedy, Report, Selection,
        SiteCause, Summary, Sureness, TakenBy,
    },
};

/// What was traced of page frames in no counter.
pub(super) fn traced(trace: &Report) -> Summary {
    let selection = Selection {
        kinds: KindChoice::kinds(&[KindChoice::Unaccounted]),
        ..Selection::default()
    };
    summary(trace, &selection)
}

/// Those that keep much of which nothing found so far is the holder.
pub(super) fn sites(facts: &Facts<'_>, found: &[Finding]) -> Vec<Finding> {
    let entries = facts.traced.iter().flat_map(|it| &it.entries);
    let entries = entries.filter(|it| it.bytes >= facts.large && !is_explained(it, found));
    entries.map(|entry| finding(entry, facts)).collect()
}

/// Whether most of its pages are with holders that are findings themselves.
fn is_explained(entry: &Entry, found: &[Finding]) -> bool {
    let is_found = |held: &&HeldPages| {
        let keys = found.iter().filter_map(|it| match &it.cause {
            Cause::Held(cause) => Some(&cause.key),
            _ => None,
        });
        keys.into_iter().any(|key| *key == held.key)
    };
    let pages: u64 = entry.held_by.iter().filter(is_found).map(pages).sum();
    pages > entry.pages / 2
}

const fn pages(held: &HeldPages) -> u64 {
    held.pages
}

fn finding(entry: &Entry, facts: &Facts<'_>) -> Finding {
    let held = entry.held_by.iter().map(pages).sum::<u64>();
    let page_bytes = entry.bytes / entry.pages.max(1);
    let unheld = entry.pages.saturating_sub(held).saturating_mul(page_bytes);
    let goes_on = entry.growth_bytes_per_second > 0;
    let is_leak = goes_on && unheld >= facts.large;
    Finding {
        gravity: if is_leak {
            Gravity::Leak
        } else {
            Gravity::Suspicious
        },
        bytes: entry.bytes,
        growth_bytes: i64::try_from(entry.bytes).ok(),
        certainty: if goes_on {
            Sureness::Likely
        } else {
            Sureness::Possible
        },
        remedies: remedies(entry),
        cause: Cause::Site(SiteCause {
            taken_by: taken_by(entry),
            page_kind: entry
                .kinds
                .iter()
                .max_by_key(|(_, pages)| **pages)
                .map(|(kind, _)| *kind),
            allocated_pages: entry.allocated_pages,
            growth_bytes_per_second: entry.growth_bytes_per_second,
            held_pages: held,
        }),
    }
}

pub(super) fn taken_by(entry: &Entry) -> TakenBy {
    TakenBy {
        function: entry.owner.clone(),
        module: entry.module.clone(),
        pages: entry.pages,
    }
}

/// Who took page frames cannot be made to give them back from outside: whoever wrote it has to.
fn remedies(entry: &Entry) -> Vec<Remedy> {
    let longer = "pagetrace -i 600 --sort growth --verbose";
    let module = entry.module.as_ref();
    let unload = module.map(|it| Remedy::of(format!("modprobe -r {it}")));
    [Remedy::of(longer)].into_iter().chain(unload).collect()
}
