//! The ranking: one line per entry, so that the culprit is on the first screen.

use super::{columns::columns, text, trend};
use crate::model::{Entry, GroupBy};

/// The lines of the ranking, the header first.
pub(super) fn ranking(entries: &[Entry], by: GroupBy) -> Vec<String> {
    let header = [
        "#",
        "BYTES",
        "PAGES",
        "ORDER",
        "GROWTH/s",
        "OLD→NEW",
        "TREND",
        "KIND",
        taker(by),
    ];
    columns(header, entries.iter().map(row), 5)
}

/// What the last column has.
const fn taker(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Function | GroupBy::Stack => "OWNER",
        GroupBy::Process => "PROCESS",
        GroupBy::Cgroup => "CGROUP",
    }
}

fn row(entry: &Entry) -> [String; 9] {
    let growth = match entry.growth_bytes_per_second {
        0 => "-".to_owned(),
        growth => text::bytes(growth),
    };
    [
        entry.rank.to_string(),
        text::bytes(entry.bytes),
        text::count(entry.pages),
        text::orders(entry),
        growth,
        text::bars(&entry.age_histogram),
        trend::word(entry).to_owned(),
        text::kinds(&entry.kinds),
        text::owner(entry),
    ]
}
