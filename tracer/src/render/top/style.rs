//! The styles of the screen, with colours or without.

use ratatui::{
    style::{Color, Modifier, Style},
    text::{Line, Span},
};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Whether colours are wanted. What stands out does so without them, too.
#[derive(Clone, Copy, Debug)]
pub(in crate::render) struct Styles {
    pub(in crate::render) has_colours: bool,
}

impl Styles {
    /// What structures the screen.
    pub(super) const fn heading() -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What is wrong.
    pub(super) fn culprit(self) -> Style {
        let style = Self::heading();
        if self.has_colours {
            style.fg(Color::Red)
        } else {
            style
        }
    }

    /// What is read last.
    pub(super) const fn faint() -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What is selected.
    pub(super) const fn selected() -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}

/// A text on the left, and one on the right if there is room for both.
pub(super) fn on_both_sides(left: Span<'_>, right: Span<'_>, width: u16) -> Line<'static> {
    let width = usize::from(width);
    let own = |span: Span<'_>| Span::styled(span.content.into_owned(), span.style);
    let gap = width.saturating_sub(left.width() + right.width());
    if gap < 2 {
        return Line::from(Span::styled(cut(&left.content, width), left.style));
    }
    Line::from(vec![own(left), Span::raw(" ".repeat(gap)), own(right)])
}

/// The beginning of a text in so many columns, with `…` for what is left out.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let columns = c.width().unwrap_or(0);
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    if width > 0 {
        cut.push('…');
    }
    cut
}

/// The same, with spaces up to the width: after the text, or before it.
pub(super) fn column(text: &str, width: usize, is_number: bool) -> String {
    let cut = cut(text, width);
    let space = " ".repeat(width.saturating_sub(cut.width()));
    if is_number {
        format!("{space}{cut}")
    } else {
        format!("{cut}{space}")
    }
}

/// Further lines of a sentence begin here.
const INDENT: &str = "      ";

/// The text in lines of so many columns, broken between words.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        let has_words = !line.trim_start().is_empty();
        if has_words && line.width() + word.trim_end().width() > width {
            lines.push(std::mem::replace(&mut line, INDENT.to_owned()));
        }
        line += word;
    }
    lines.push(line);
    lines.iter().map(|it| cut(it.trim_end(), width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_the_columns_that_it_takes() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(
            (cut("ab", 1), cut("ab", 0)),
            ("…".to_owned(), String::new())
        );
        assert_eq!(column("日本語", 4, true), " 日…");
    }

    #[test]
    fn a_sentence_is_broken_between_words() {
        let lines = ["    one two", "      three", "      four"];
        assert_eq!(wrapped("    one two three four", 11), lines);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("word", 2), ["w…"]);
    }
}
