//! The ranking: one line per entry, so that the culprit is on the first screen.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::text;
use crate::model::Entry;

const HEADER: [&str; 8] = [
    "#",
    "BYTES",
    "PAGES",
    "ORDER",
    "GROWTH/s",
    "OLD→NEW",
    "KIND",
    "OWNER",
];

/// The lines of the ranking, the header first.
pub(super) fn ranking(entries: &[Entry]) -> Vec<String> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(HEADER);
    table.add_rows(entries.iter().map(row));
    for (column, _) in table.column_iter_mut().zip(&HEADER[..5]) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for column in table.column_iter_mut() {
        column
            .set_padding((0, 2))
            .set_constraint(ColumnConstraint::ContentWidth);
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
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
