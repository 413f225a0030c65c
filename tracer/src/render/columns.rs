//! Tables: what rankings are made of.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

/// What stands for a value that is not known or does not apply.
pub(super) const NONE: &str = "-";

/// A column: its title and its cells, from above.
pub(super) struct Column {
    title: &'static str,
    alignment: CellAlignment,
    cells: Vec<String>,
}

impl Column {
    /// Of numbers.
    pub(super) const fn numbers(title: &'static str, cells: Vec<String>) -> Self {
        Self {
            title,
            alignment: CellAlignment::Right,
            cells,
        }
    }

    /// Of texts.
    pub(super) const fn texts(title: &'static str, cells: Vec<String>) -> Self {
        Self {
            title,
            alignment: CellAlignment::Left,
            cells,
        }
    }

    /// The same without its cells, which then says nothing.
    pub(super) fn unless(mut self, is_left_out: bool) -> Self {
        if is_left_out {
            self.cells.fill(NONE.to_owned());
        }
        self
    }

    /// Whether some cell says something.
    pub(super) fn says_something(&self) -> bool {
        self.cells.iter().any(|cell| cell != NONE)
    }
}

/// The lines of a table of rows, the header first; the first `numbers` columns are of numbers.
pub(super) fn columns<const N: usize>(
    header: [&'static str; N],
    rows: impl Iterator<Item = [String; N]>,
    numbers: usize,
) -> Vec<String> {
    let mut cells = header.map(|_| Vec::new());
    for row in rows {
        for (cells, cell) in cells.iter_mut().zip(row) {
            cells.push(cell);
        }
    }
    let column = |(index, (title, cells))| {
        if index < numbers {
            Column::numbers(title, cells)
        } else {
            Column::texts(title, cells)
        }
    };
    let columns = header.into_iter().zip(cells).enumerate().map(column);
    lines(&columns.collect::<Vec<_>>())
}

/// How many characters they take, each with the room to the next one.
pub(super) fn width(columns: &[Column]) -> usize {
    let width = |column: &Column| {
        let cells = column.cells.iter().map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(column.title.len()) + 2
    };
    columns.iter().map(width).sum()
}

/// The lines of the table, the header first.
pub(super) fn lines(columns: &[Column]) -> Vec<String> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.title));
    let rows = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        table.add_row(columns.iter().filter_map(|column| column.cells.get(row)));
    }
    for (column, shown) in columns.iter().zip(table.column_iter_mut()) {
        shown.set_cell_alignment(column.alignment);
        shown
            .set_padding((0, 2))
            .set_constraint(ColumnConstraint::ContentWidth);
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.collect()
}
