//! The ranking: one line per site, so that the culprit is on the first screen.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::text;
use crate::model::Site;

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
pub(super) fn ranking(sites: &[Site]) -> Vec<String> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(HEADER);
    table.add_rows(sites.iter().map(row));
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

fn row(site: &Site) -> [String; 8] {
    let growth = match site.growth_bytes_per_second {
        0 => "-".to_owned(),
        growth => text::bytes(growth),
    };
    [
        site.rank.to_string(),
        text::bytes(site.ranked_bytes),
        text::count(site.ranked_pages),
        text::orders(site),
        growth,
        text::bars(&site.age_histogram),
        text::kinds(site),
        text::owner(site),
    ]
}
