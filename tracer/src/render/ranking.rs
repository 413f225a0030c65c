//! The ranking: one line per entry, so that the culprit is on the first screen.

use super::{columns::columns, text};
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

fn row(entry: &Entry) -> [String; 8] {
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
        text::kinds(&entry.kinds),
        text::owner(entry),
    ]
}
