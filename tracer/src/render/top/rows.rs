//! The table: as many columns as there is room for.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span, Text},
};

use super::{
    spark::sparkline,
    style::{Styles, column},
};
use crate::{
    model::{Choice as _, LookSource, TopExtent, TopRow, TopScreen, TopTab, TrendVerdict},
    render::{columns::NONE, escape::harmless, text},
};

/// A column: its title, its width, and from which width of the screen on it is there.
struct Column {
    title: &'static str,
    width: usize,
    from: usize,
    is_number: bool,
    cell: fn(&TopRow) -> String,
}

const fn number(title: &'static str, from: usize, cell: fn(&TopRow) -> String) -> Column {
    Column {
        title,
        width: 11,
        from,
        is_number: true,
        cell,
    }
}

const fn word(
    title: &'static str,
    width: usize,
    from: usize,
    cell: fn(&TopRow) -> String,
) -> Column {
    Column {
        title,
        width,
        from,
        is_number: false,
        cell,
    }
}

/// How wide the bars of a line are.
const BARS: usize = 12;

const BYTES: Column = number("BYTES", 0, |row| text::bytes(row.bytes));
const CHANGE: Column = number("CHANGE", 96, |row| changed(row.change_bytes));
const RATE: Column = number("PER SECOND", 36, |row| changed(row.bytes_per_second));
const GROWTH: Column = word("LAST LOOKS", BARS, 50, |row| sparkline(&row.history, BARS));
const TREND: Column = word("TREND", 8, 108, |row| {
    row.trend.map_or(NONE, TrendVerdict::name).to_owned()
});
const KIND: Column = word("KIND", 10, 120, |row| text::kinds(&row.kinds));
const PAGES: Column = number("PAGES", 132, |row| text::count(row.pages()));
const KERNEL: Column = number("IN KERNEL", 64, |row| {
    row.held_bytes.map_or(NONE.to_owned(), text::bytes)
});

fn changed(bytes: Option<i64>) -> String {
    bytes.map_or(NONE.to_owned(), text::change)
}

/// The columns of a table, all but the name and what stands beside it.
const fn columns(tab: TopTab) -> &'static [Column] {
    match tab {
        TopTab::Sites => &[BYTES, CHANGE, RATE, GROWTH, TREND, KIND, PAGES],
        TopTab::Holders => &[BYTES, CHANGE, RATE, GROWTH],
        TopTab::Processes => &[BYTES, CHANGE, RATE, GROWTH, KERNEL],
        TopTab::Kinds => &[BYTES, CHANGE, RATE, GROWTH, PAGES],
    }
}

/// The title of the name, its share of the room, and the title of what stands beside it.
const fn titles(tab: TopTab) -> (&'static str, usize, &'static str) {
    match tab {
        TopTab::Sites => ("FUNCTION", 45, "HELD BY"),
        TopTab::Holders => ("HOLDER", 100, ""),
        TopTab::Processes => ("PROCESS", 100, ""),
        TopTab::Kinds => ("KIND", 25, "WHAT IT IS"),
    }
}

/// Names have so many columns before there is anything beside them.
const NARROW: usize = 40;

/// Draws the lines around the selected one, and says how many there is room for.
pub(super) fn draw(
    screen: &TopScreen<'_>,
    frame: &mut Frame<'_>,
    area: Rect,
    has_titles: bool,
) -> TopExtent {
    let parts = Layout::vertical([
        Constraint::Length(u16::from(has_titles)),
        Constraint::Fill(1),
    ]);
    let [title, body] = parts.areas(area);
    let layout = Widths::of(screen.tab, usize::from(area.width));
    frame.render_widget(Line::styled(layout.titles(), Styles::heading()), title);
    let room = usize::from(body.height);
    let first = screen.selected.unwrap_or(0) / room.max(1) * room;
    let rows = screen.rows.iter().enumerate().skip(first).take(room);
    let lines: Vec<_> = rows
        .map(|(place, row)| layout.line(row, screen.selected == Some(place)))
        .collect();
    if lines.is_empty() {
        frame.render_widget(Text::from(nothing(screen)), body);
    } else {
        frame.render_widget(Text::from(lines), body);
    }
    TopExtent {
        room,
        detail_lines: 0,
    }
}

/// Which columns there are, and how wide names and what stands beside them are.
struct Widths {
    tab: TopTab,
    columns: Vec<&'static Column>,
    name: usize,
    beside: usize,
}

impl Widths {
    fn of(tab: TopTab, width: usize) -> Self {
        let columns = columns(tab).iter().filter(|it| it.from <= width);
        let columns: Vec<_> = columns.collect();
        let taken: usize = columns.iter().map(|it| it.width + 1).sum();
        let room = width.saturating_sub(taken);
        let (_, share, _) = titles(tab);
        let name = if room < NARROW {
            room
        } else {
            room * share / 100
        };
        Self {
            tab,
            columns,
            name,
            beside: (room - name).saturating_sub(1),
        }
    }

    fn titles(&self) -> String {
        let (name, _, beside) = titles(self.tab);
        self.joined(|it| it.title.to_owned(), name, beside)
    }

    fn line(&self, row: &TopRow, is_selected: bool) -> Line<'static> {
        let name = text::with_module(&row.name, row.module.as_deref());
        let beside = harmless(row.holder.as_deref().unwrap_or(NONE));
        let text = self.joined(|it| (it.cell)(row), &name, &beside);
        let style = if is_selected {
            Styles::selected()
        } else if row.trend == Some(TrendVerdict::Growing) {
            Styles::heading()
        } else {
            Style::new()
        };
        Line::from(Span::styled(text, style))
    }

    fn joined(&self, cell: impl Fn(&Column) -> String, name: &str, beside: &str) -> String {
        let mut line = String::new();
        for it in &self.columns {
            line += &column(&cell(it), it.width, it.is_number);
            line.push(' ');
        }
        line += &column(name, self.name, false);
        if self.beside > 0 {
            line.push(' ');
            line += &column(beside, self.beside, false);
        }
        line
    }
}

/// Why there is no line.
fn nothing(screen: &TopScreen<'_>) -> &'static str {
    match (screen.tab, screen.look.source) {
        (TopTab::Sites, _) => "Nothing of the chosen kinds (--kind) was taken and kept",
        (TopTab::Holders, _) => "Nobody was found to hold pages that were taken",
        (TopTab::Processes, LookSource::Saved) => "Processes were not saved",
        (TopTab::Processes, _) => "Processes could not be read",
        (TopTab::Kinds, _) => "Nothing was taken and kept",
    }
}
