//! The summary: which of a report's pages were asked for, and who took most of them.

use super::{
    entries::Entries,
    selected::{Filter, Pages},
    window::Epochs,
};
use crate::model::{Report, Selection, Summary, Totals};

/// Ranks what a report says as `selection` asks.
pub fn summary(report: &Report, selection: &Selection) -> Summary {
    let epochs = Epochs::of(&report.window);
    let filter = Filter::new(report, selection, &epochs);
    let mut totals = Totals::default();
    let mut ranked = Pages::default();
    let mut entries = Entries::new(report, selection.by);
    for (index, site) in report.sites.iter().enumerate() {
        let pages = filter.pages(site, &mut totals);
        if pages.number > 0 {
            totals.sites += 1;
            let has_no_stack = site.no_stack.is_some();
            totals.stackless_pages += if has_no_stack { pages.number } else { 0 };
            ranked.append(&pages);
            entries.add(index, site, &pages);
        }
    }
    add_up(&mut totals, ranked, report, &epochs);
    Summary {
        selection: selection.clone(),
        totals,
        entries: entries.ranked(&epochs, selection.sort),
    }
}

/// Fills in what follows from the pages.
fn add_up(totals: &mut Totals, ranked: Pages, report: &Report, epochs: &Epochs<'_>) {
    let page_size = report.host.page_size;
    let growth = epochs.growth(ranked.slices) * page_size as f64;
    totals.unfreed_bytes = totals.unfreed_pages * page_size;
    totals.ranked_pages = ranked.number;
    totals.ranked_bytes = ranked.number * page_size;
    totals.ranked_kinds = ranked.kinds;
    totals.growth_bytes_per_second = growth.round() as u64;
    let drain = report.window.drain().as_secs_f64();
    totals.drain_estimate_bytes = (growth * drain).round() as u64;
    totals.lost_events = report.losses.lost_events();
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
