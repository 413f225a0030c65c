//! One line in full.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Text},
};

use super::style::{Styles, wrapped};
use crate::{
    model::{TopDetail, TopExtent, TopRow, TopScreen, TopTab},
    render::{escape::harmless, stack, text},
};

/// Draws the lines from the one that was scrolled to, and says how many there are.
pub(super) fn draw(
    detail: &TopDetail<'_>,
    screen: &TopScreen<'_>,
    styles: Styles,
    frame: &mut Frame<'_>,
    area: Rect,
) -> TopExtent {
    let (room, width) = (usize::from(area.height), usize::from(area.width));
    let lines = lines(detail, screen).into_iter().flat_map(|line| {
        let style = style(&line, styles);
        let lines = wrapped(&line, width).into_iter();
        lines.map(move |it| Line::styled(it, style))
    });
    let lines: Vec<_> = lines.collect();
    let extent = TopExtent {
        room,
        detail_lines: lines.len(),
    };
    let first = screen.scroll.min(lines.len().saturating_sub(room));
    let shown = lines.into_iter().skip(first).take(room);
    frame.render_widget(Text::from_iter(shown), area);
    extent
}

fn lines(detail: &TopDetail<'_>, screen: &TopScreen<'_>) -> Vec<String> {
    match detail {
        TopDetail::Site(entry) => {
            let mut written = Vec::new();
            // Memory takes everything.
            let _ = stack::stack(&screen.look.report, entry, true, &mut written);
            let written = String::from_utf8_lossy(&written);
            let plain = anstream::adapter::strip_str(&written).to_string();
            plain.lines().map(str::to_owned).collect()
        }
        TopDetail::Parts { row, parts } => parts_of(row, parts, screen.tab),
    }
}

fn parts_of(row: &TopRow, parts: &[(u64, String)], tab: TopTab) -> Vec<String> {
    let mut lines = vec![format!(
        "{}  {}",
        text::bytes(row.bytes),
        harmless(&row.name)
    )];
    lines.push(format!("    {}", heading(tab, parts.is_empty())));
    for (bytes, name) in parts {
        lines.push(format!(
            "    {:>11}  {}",
            text::bytes(*bytes),
            harmless(name)
        ));
    }
    lines
}

/// What the parts are.
const fn heading(tab: TopTab, is_empty: bool) -> &'static str {
    match (tab, is_empty) {
        (TopTab::Processes, false) => "holds, of the page frames that were taken:",
        (TopTab::Processes, true) => {
            "holds none of the page frames that were taken; `pagetrace proc PID` has its mappings"
        }
        (_, false) => "taken by:",
        (_, true) => "taken by nobody that is known",
    }
}

/// The line itself, who has it, and the function that it is named after stand out.
fn style(line: &str, styles: Styles) -> Style {
    if !line.starts_with(' ') || line.starts_with("  →") {
        Styles::heading()
    } else if line.contains(" held by ") {
        styles.culprit()
    } else {
        Style::new()
    }
}
