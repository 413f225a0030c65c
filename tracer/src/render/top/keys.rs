//! The last line: what keys do, or what is wrong.

use ratatui::text::Line;

use super::style::{Styles, cut};
use crate::{model::TopScreen, render::escape::harmless};

/// A complaint, or the keys that mean something now, the most useful first.
pub(super) fn foot(screen: &TopScreen<'_>, styles: Styles, width: u16) -> Line<'static> {
    let width = usize::from(width);
    if let Some(complaint) = screen.complaint {
        return Line::styled(cut(&harmless(complaint), width), styles.culprit());
    }
    let mut keys = vec!["q quit"];
    match screen.detail {
        Some(_) => keys.extend(["Esc back", "↑↓ scroll"]),
        None => keys.extend(["Enter details", "Tab next", "b bytes g growth n name"]),
    }
    match (screen.position, screen.is_paused) {
        (Some(_), true) => keys.extend(["←→ step", "p play"]),
        (Some(_), false) => keys.extend(["←→ step", "p stop"]),
        (None, true) => keys.push("p go on"),
        (None, false) => keys.push("p pause"),
    }
    let mut line = String::new();
    for key in keys {
        let longer = format!("{line}  {key}");
        if longer.chars().count() > width + 2 {
            break;
        }
        line = longer;
    }
    Line::styled(cut(line.trim_start(), width), Styles::faint())
}
