//! The styles of what people read.

use anstyle::{AnsiColor, Style};

/// What structures the text.
pub(super) const HEADING: Style = Style::new().bold();

/// What stands out: the culprit, or that the numbers are far off.
pub(super) const CULPRIT: Style = AnsiColor::Red.on_default().bold();

/// What is read last.
pub(super) const FAINT: Style = Style::new().dimmed();
