//! The ranking: one line per entry, so that the culprit is on the first screen.

use super::{columns::columns, text, trend};
use crate::model::Entry;

const HEADER: [&str; 9] = [
    "#",
    "BYTES",
    "PAGES",
    "ORDER",
    "GROWTH/s",
    "OLD→NEW",
    "TREND",
    "KIND",
    "OWNER",
];

/// The lines of the ranking, the header first.
pub(super) fn ranking(entries: &[Entry]) -> Vec<String> {
    columns(HEADER, entries.iter().map(row), 5)
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
