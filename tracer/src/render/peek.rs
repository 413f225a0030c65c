//! What a mapping holds, for people.

use std::io::{self, Write};

use super::{
    escape::harmless,
    styles::{FAINT, HEADING},
    table::Extent,
    text,
};
use crate::model::{Counted, Peek};

/// Columns of a list of texts.
const WIDTH: usize = 90;

/// Writes what was found, the answer first.
pub(super) fn peek(peek: &Peek, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{HEADING}{}{HEADING:#}", answer(peek))?;
    let number = if extent.whole { usize::MAX } else { extent.top };
    list("JSON keys", &peek.json_keys, number, out)?;
    list("Frequent texts", &peek.strings, number, out)?;
    writeln!(out, "{FAINT}{}{FAINT:#}", sample(peek))?;
    if let Some(masked) = peek.masked_values.filter(|&masked| masked > 0) {
        let masked = text::counted(masked, "value");
        writeln!(
            out,
            "{FAINT}{masked} that look like secrets are masked (***); --raw shows them{FAINT:#}"
        )?;
    }
    Ok(())
}

/// What kind of content it is, by thresholds that leave room between the kinds: text has about
/// 4.5 bits a byte, machine code 6, what is compressed or encrypted 8.
fn answer(peek: &Peek) -> String {
    let keys: u64 = peek.json_keys.iter().map(|it| it.count).sum();
    let text_bytes = peek.sampled_bytes as f64 * (1.0 - peek.zero_share);
    let kind = if peek.sampled_bytes == 0 {
        "nothing that can be read"
    } else if peek.zero_share > 0.95 {
        "hardly anything but zeros"
    } else if keys > 0 && text_bytes / keys as f64 <= 512.0 {
        "JSON"
    } else if peek.entropy_bits_per_byte > 7.5 {
        "random, compressed or encrypted bytes"
    } else {
        "mixed data"
    };
    format!(
        "{} holds {kind}: {} zeros, {:.1} bits per byte in the rest",
        harmless(&peek.mapping),
        text::percent(peek.zero_share),
        peek.entropy_bits_per_byte
    )
}

/// What it holds, and its most frequent words, in one line.
pub(super) fn in_short(peek: &Peek) -> String {
    const WORDS: usize = 5;
    let is_json = !peek.json_keys.is_empty();
    let words = if is_json {
        &peek.json_keys
    } else {
        &peek.strings
    };
    let words = words.iter().take(WORDS);
    let words: Vec<_> = words
        .map(|it| text::shortened(&harmless(&it.text), 24))
        .collect();
    match (is_json, words.is_empty()) {
        (_, true) => answer(peek),
        (true, _) => format!("{}; JSON keys: {}", answer(peek), words.join(", ")),
        (false, _) => format!("{}; {}", answer(peek), words.join(", ")),
    }
}

fn list(title: &str, counted: &[Counted], number: usize, out: &mut impl Write) -> io::Result<()> {
    if counted.is_empty() {
        return Ok(());
    }
    let mut line = format!("{title}:");
    for it in counted.iter().take(number) {
        let shown = text::shortened(&harmless(&it.text), 40);
        let item = format!(" {shown} ({}),", text::count(it.count));
        if line.chars().count() + item.chars().count() > WIDTH {
            writeln!(out, "{line}")?;
            line = " ".to_owned();
        }
        line += &item;
    }
    writeln!(out, "{}", line.trim_end_matches(','))
}

/// How much was looked at.
fn sample(peek: &Peek) -> String {
    let cut = if peek.is_cut_short {
        ", when time was up"
    } else {
        ""
    };
    let gone = match peek.unreadable_pages {
        0 => String::new(),
        pages => format!(", {} could not be read", text::counted(pages, "page")),
    };
    format!(
        "Of {}, {} sampled in {}{cut}{gone}: counts are of the sample",
        text::counted(peek.present_pages, "resident page"),
        text::count(peek.sampled_pages),
        text::seconds(peek.took_seconds.duration()),
    )
}
