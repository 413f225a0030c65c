//! How memory changes, for people.

use std::{
    io::{self, Write},
    time::Duration,
};

use super::{
    styles::{CULPRIT, HEADING},
    text,
};
use crate::model::Growth;

/// Writes what changed in `time`, the `top` largest changes, after a sentence about the one that
/// grew most.
pub fn growth(
    lines: &[Growth],
    time: Duration,
    top: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let seconds = time.as_secs_f64().max(f64::MIN_POSITIVE);
    let rate = |bytes: i64| text::signed_bytes((bytes as f64 / seconds) as i64);
    let is_used = |line: &&Growth| !is_free(line) && line.bytes() > 0;
    let fastest = lines.iter().find(is_used);
    let sentence = match fastest {
        Some(line) => format!(
            "In {} {} grew most: by {}, {}/s",
            text::seconds(time),
            line.name,
            text::signed_bytes(line.bytes()),
            rate(line.bytes())
        ),
        None => format!("In {} nothing grew", text::seconds(time)),
    };
    writeln!(out, "{HEADING}{sentence}{HEADING:#}")?;
    let [name, now, change, speed] = ["", "NOW", "CHANGE", "PER SECOND"];
    writeln!(
        out,
        "{HEADING}{name:<34} {now:>12} {change:>12} {speed:>12}{HEADING:#}"
    )?;
    let largest = lines.first().map_or(0, |line| line.bytes().unsigned_abs());
    for line in lines.iter().filter(|line| line.bytes() != 0).take(top) {
        let style = if Some(line) == fastest {
            CULPRIT
        } else {
            anstyle::Style::new()
        };
        let change = line.bytes();
        let bar = text::bar(change.unsigned_abs() as f64 / largest as f64, 16);
        let row = format!(
            "{style}{:<34} {:>12} {:>12} {:>12}{style:#}  {bar}",
            line.name,
            text::signed_bytes(line.after_bytes.unwrap_or(0)),
            text::signed_bytes(change),
            rate(change),
        );
        writeln!(out, "{row}")?;
    }
    Ok(())
}

/// Whether more of it is no loss.
fn is_free(line: &Growth) -> bool {
    ["MemFree", "zoneinfo: count"].contains(&line.field.as_str())
}
