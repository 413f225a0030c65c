//! What others chose, shown harmless: a task names itself, and a path can have any name.

use std::borrow::Cow;

/// The text with everything escaped that a terminal would obey or a reader not see: control
/// characters, and those that hide text or change its direction.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_harmful(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Unicode's categories Cc, Zl and Zp, and what of Cf hides text or changes its direction.
fn is_harmful(c: char) -> bool {
    const HIDING: [std::ops::RangeInclusive<char>; 7] = [
        '\u{ad}'..='\u{ad}',
        '\u{61c}'..='\u{61c}',
        '\u{200b}'..='\u{200f}',
        '\u{2028}'..='\u{202e}',
        '\u{2060}'..='\u{206f}',
        '\u{feff}'..='\u{feff}',
        // No characters, and in no XML document.
        '\u{fffe}'..='\u{ffff}',
    ];
    c.is_control() || HIDING.iter().any(|range| range.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        for (text, shown) in [
            ("\u{1b}[31mRED", r"\u{1b}[31mRED"),
            ("two\nlines\r", r"two\nlines\r"),
            ("\u{9b}2J\u{7f}", r"\u{9b}2J\u{7f}"),
            ("gpj.\u{202e}exe", r"gpj.\u{202e}exe"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }

    #[test]
    fn names_stay_as_they_are() {
        for name in ["kworker/0:1-events", "Привет", "a b\\c\"'", "日本"] {
            assert!(matches!(harmless(name), Cow::Borrowed(same) if same == name));
        }
    }
}
