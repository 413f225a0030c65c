//! What a report and a selection say of each stack, as finely as it is known.

use super::{selected::Filter, window::Epochs};
use crate::model::{Report, Selection, Site, StackSample};

/// The pages that are ranked, by site and whatever else tells them apart; they add up to the ranked
/// total.
///
/// Of a site it is known how many pages each holder has, not which of them: holders are dealt out in
/// order, first over the pages that no counter shows, since those are what holders are found for.
pub fn samples(report: &Report, selection: &Selection) -> Vec<StackSample> {
    let epochs = Epochs::of(&report.window);
    let filter = Filter::new(report, selection, &epochs);
    let mut samples = Vec::with_capacity(report.sites.len());
    for (index, site) in report.sites.iter().enumerate() {
        let mut ranked: Vec<_> = filter.ranked(site).collect();
        ranked.sort_by_key(|(unfreed, _)| !unfreed.kind.is_unaccounted());
        let mut holders = Holders::of(site);
        for (unfreed, pages) in ranked {
            let parts = holders.deal(pages);
            samples.extend(parts.into_iter().map(|(holder, pages)| StackSample {
                site: index,
                kind: unfreed.kind,
                order: unfreed.order,
                gfp: unfreed.gfp,
                holder,
                pages,
            }));
        }
    }
    samples
}

/// Who has the pages of a site, as they are dealt out.
struct Holders<'a> {
    site: &'a Site,
    next: usize,
    /// Pages of the next one that are dealt out already.
    dealt: u64,
}

impl<'a> Holders<'a> {
    const fn of(site: &'a Site) -> Self {
        Self {
            site,
            next: 0,
            dealt: 0,
        }
    }

    /// Who has so many of the pages that are left; none has the last of them.
    fn deal(&mut self, mut pages: u64) -> Vec<(Option<usize>, u64)> {
        let mut parts = Vec::new();
        while let Some(holder) = self.site.held_by.get(self.next).filter(|_| pages > 0) {
            let left = holder.pages.saturating_sub(self.dealt);
            let part = left.min(pages);
            if part > 0 {
                parts.push((Some(self.next), part));
            }
            pages -= part;
            self.dealt += part;
            if part == left {
                self.next += 1;
                self.dealt = 0;
            }
        }
        if pages > 0 {
            parts.push((None, pages));
        }
        parts
    }
}

#[cfg(test)]
#[path = "samples_tests.rs"]
mod tests;
