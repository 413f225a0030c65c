//! Any bytes give a report or one sentence, and a report that was read is written as it was, and
//! can be shown whatever it says.

use std::time::Duration;

use pagetrace::{
    analysis,
    model::{FoldedBy, GroupBy, KindChoice, Report, Saved as _, Selection, SortKey},
    render::{self, Extent},
};

pub(crate) fn check(data: &[u8]) {
    match Report::from_json(data) {
        Ok(report) => {
            let written = serde_json::to_vec(&report).expect("a report can be written");
            let again = Report::from_json(&written).expect("what was written can be read");
            assert_eq!(again, report);
            for selection in selections() {
                show(&report, &selection);
            }
        }
        Err(error) => assert!(!render::sentence(&error).is_empty()),
    }
}

fn selections() -> [Selection; 2] {
    let most = Selection {
        kinds: KindChoice::kinds(&[KindChoice::All]),
        ..Selection::default()
    };
    let least = Selection {
        by: GroupBy::Stack,
        sort: SortKey::Growth,
        min_age_seconds: Duration::from_secs(1).into(),
        module: Some("nvme".to_owned()),
        ..most.clone()
    };
    [most, least]
}

/// What is shown adds up, and has no line that was not meant.
fn show(report: &Report, selection: &Selection) {
    let summary = analysis::summary(report, selection);
    let pages: u64 = summary.entries.iter().map(|entry| entry.pages).sum();
    assert_eq!(pages, summary.totals.ranked_pages);
    let extent = Extent {
        top: usize::MAX,
        whole: true,
    };
    let (mut table, mut folded) = (Vec::new(), Vec::new());
    render::table(report, &summary, extent, &mut table).expect("memory takes everything");
    render::folded(report, &summary, FoldedBy::Stack, &mut folded)
        .expect("memory takes everything");
    let folded = String::from_utf8(folded).expect("names are UTF-8");
    let bytes = folded.lines().map(|line| {
        let (_, bytes) = line.rsplit_once(' ').expect("a stack and its bytes");
        bytes.parse::<u64>().expect("a number")
    });
    assert_eq!(bytes.sum::<u64>(), summary.totals.ranked_bytes);
}
