//! What is left of each entry, over the time in which it was taken.

use super::{selected::Filter, window::Epochs};
use crate::model::{Entry, Report, Summary};

/// Into how many parts the recording is divided.
const PARTS: usize = 60;

/// Of each of the first entries, as many as asked for, its ranked pages that were taken by the end of
/// each part of the recording, in bytes.
pub fn curves(report: &Report, summary: &Summary, entries: usize) -> Vec<Vec<u64>> {
    let epochs = Epochs::of(&report.window);
    let filter = Filter::new(report, &summary.selection, &epochs);
    let entries = summary.entries.iter().take(entries);
    let curve = |entry: &Entry| {
        let mut taken = vec![0_u64; PARTS];
        let sites = entry.sites.iter();
        for site in sites.filter_map(|share| report.sites.get(share.site)) {
            for (epoch, pages) in filter.by_epoch(site) {
                if let Some(sum) = taken.get_mut(epochs.part(epoch, PARTS)) {
                    *sum = sum.saturating_add(pages.saturating_mul(report.host.page_size));
                }
            }
        }
        summed_up(taken)
    };
    entries.map(curve).collect()
}

/// Each number and all before it.
fn summed_up(mut numbers: Vec<u64>) -> Vec<u64> {
    let mut sum = 0_u64;
    for number in &mut numbers {
        sum = sum.saturating_add(*number);
        *number = sum;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{
        sample::{everything, known, reported, three_sites},
        summary,
    };

    #[test]
    fn a_curve_ends_with_what_is_left() {
        let report = reported(&three_sites());
        let summary = summary(&report, &everything());
        let curves = curves(&report, &summary, 10);
        assert_eq!(curves.len(), summary.entries.len());
        for (entry, curve) in summary.entries.iter().zip(&curves) {
            assert_eq!(curve.last(), Some(&entry.bytes), "{}", entry.owner);
            assert!(curve.is_sorted(), "{curve:?}");
        }
    }

    #[test]
    fn a_steady_leak_is_a_line() {
        let report = reported(&[known(0, &[1], &[5; 8])]);
        let curve = &curves(&report, &summary(&report, &everything()), 1)[0];
        // An eighth of the recording at a time.
        let rises = curve.windows(2).filter(|it| it[0] < it[1]).count();
        assert_eq!((curve[0], rises), (5 * 4096, 7));
    }
}
