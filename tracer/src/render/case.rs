//! A case for people: the answer, what was found with what to do, what was ruled out.

pub(super) mod cause;
mod nagios;
mod verification;

pub use self::{
    nagios::{nagios, nagios_unknown},
    verification::verification,
};

use std::io::{self, Write};

use self::cause::{facts, headline};
use super::{
    escape::harmless,
    styles::{CULPRIT, FAINT, HEADING},
    table::Extent,
    text,
};
use crate::model::{
    Book, Case, Cause, Feature, Finding, Gravity, Limitation, LookedAt, Remedy, Subject, Sureness,
};

/// Writes a case; the writer may take colours out again.
pub fn case(case: &Case, extent: Extent, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, "{HEADING}{}{HEADING:#}", answer(case))?;
    let listed = case.findings.iter();
    let listed = listed.filter(|it| extent.whole || it.gravity > Gravity::Information);
    let listed: Vec<_> = listed.collect();
    let in_full = if extent.whole { usize::MAX } else { extent.top };
    let remedies = match listed.len() {
        _ if extent.whole => usize::MAX,
        ..=1 => 3,
        _ => 2,
    };
    for (number, finding) in (1..).zip(&listed) {
        if number <= in_full {
            whole(number, finding, remedies, out)?;
        } else {
            writeln!(out, "{number}. {}", title(finding))?;
        }
    }
    writeln!(out)?;
    looked_at(case, out)?;
    if !extent.whole {
        information(case, out)?;
    }
    for book in &case.books {
        kept(book, case, out)?;
    }
    limitations(case, extent, out)?;
    if !listed.is_empty() {
        let afterwards = "Afterwards: pagetrace doctor --verify FILE says what came back of a case \
                          that --save FILE has kept";
        writeln!(out, "{FAINT}{afterwards}{FAINT:#}")?;
    }
    let (host, taken_at) = (text::host(&case.host), case.evidence.after.taken_at);
    let window = text::seconds(case.window_seconds.duration());
    writeln!(out, "{host}; {taken_at:.0}; watched for {window}")
}

/// The answer in one sentence.
pub(super) fn answer(case: &Case) -> String {
    let first = case.findings.first();
    match first.filter(|it| it.gravity > Gravity::Information) {
        Some(first) => {
            let what = match first.gravity {
                Gravity::Leak => "Memory is lost",
                _ => "Something is suspicious",
            };
            format!("{what}: {}", headline(first))
        }
        None => format!(
            "Nothing is wrong: nothing that can leak grew by {} or keeps as much from others",
            text::bytes(case.large_bytes)
        ),
    }
}

/// `LEAK  500 pipes … hold 31.25 MiB`
fn title(finding: &Finding) -> String {
    let gravity = finding.gravity.name().to_uppercase();
    format!("{CULPRIT}{gravity}{CULPRIT:#}  {}", headline(finding))
}

fn whole(
    number: usize,
    finding: &Finding,
    remedies: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{number}. {}", title(finding))?;
    for (name, fact) in facts(finding) {
        row(name, &fact, out)?;
    }
    row("sure", &sure(finding), out)?;
    for remedy in finding.remedies.iter().take(remedies) {
        row("do", &what_to_do(remedy), out)?;
    }
    Ok(())
}

fn row(name: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "   {FAINT}{name:<6}{FAINT:#} {text}")
}

/// How sure it is, and what would show that it is not so.
pub(super) fn sure(finding: &Finding) -> String {
    let sure = match (finding.certainty, &finding.cause) {
        (Sureness::Counted, Cause::Held(_)) => "counted, page by page",
        (Sureness::Counted, _) => "the kernel counts it",
        (Sureness::Likely, _) => "likely: it went on while it was watched",
        (Sureness::Possible, _) => "possible: sizes alone say so",
    };
    format!("{sure}; wrong if {}", cause::refutation(&finding.cause))
}

/// `kill 4711 (gives back 31.25 MiB)`
pub(super) fn what_to_do(remedy: &Remedy) -> String {
    let command = harmless(&remedy.command);
    match remedy.gives_bytes {
        Some(bytes) => format!("{command}   (gives back {})", text::bytes(bytes)),
        None => command.into_owned(),
    }
}

/// Writes what was ruled out, with its numbers.
fn looked_at(case: &Case, out: &mut impl Write) -> io::Result<()> {
    let is_found = |subject: Subject| {
        let mut findings = case.findings.iter();
        findings.any(|it| it.gravity > Gravity::Information && it.cause.subject() == subject)
    };
    let looked_at = case.looked_at.iter();
    let (found, ruled_out): (Vec<_>, Vec<_>) = looked_at.partition(|it| is_found(it.subject));
    for (title, list) in [("In question", found), ("Ruled out", ruled_out)] {
        let list: Vec<_> = list.into_iter().map(amount).collect();
        if !list.is_empty() {
            wrapped(&format!("{title}: {}", list.join(", ")), out)?;
        }
    }
    Ok(())
}

/// `vmalloc 46.1 MiB (+0 B)`
pub(super) fn amount(it: &LookedAt) -> String {
    let name = it.subject.name();
    match (it.bytes, it.growth_bytes) {
        (Some(bytes), Some(growth)) => {
            let (bytes, growth) = (text::signed_bytes(bytes), text::change(growth));
            format!("{name} {bytes} ({growth})")
        }
        _ => name.to_owned(),
    }
}

/// Writes what is good to know, the largest of it.
fn information(case: &Case, out: &mut impl Write) -> io::Result<()> {
    const SHOWN: usize = 3;
    let known = case.findings.iter();
    let known = known.filter(|it| it.gravity == Gravity::Information);
    let known: Vec<_> = known.map(headline).collect();
    let (shown, rest) = known.split_at(known.len().min(SHOWN));
    if shown.is_empty() {
        return Ok(());
    }
    let more = match rest.len() {
        0 => String::new(),
        more => format!("; {more} more with --verbose"),
    };
    wrapped(&format!("No leak: {}{more}", shown.join("; ")), out)
}

/// Writes what grew beside what was traced of it, where it is worth it.
fn kept(book: &Book, case: &Case, out: &mut impl Write) -> io::Result<()> {
    if book.growth_bytes.unsigned_abs() < case.large_bytes / 2 {
        return Ok(());
    }
    let (name, growth) = (book.subject.name(), text::change(book.growth_bytes));
    let traced = text::bytes(book.traced_bytes);
    let explained = match book.growth_bytes {
        ..=0 => String::new(),
        grown => {
            let known = book.traced_bytes.saturating_add(book.drain_estimate_bytes);
            let share = known as f64 / grown as f64;
            format!("{} of ", text::percent(share))
        }
    };
    let drain = match book.drain_estimate_bytes {
        0 => String::new(),
        bytes => format!(", and about {} in the drain", text::bytes(bytes)),
    };
    wrapped(
        &format!("Explained: {explained}{growth} of {name}: {traced} traced{drain}"),
        out,
    )
}

fn limitations(case: &Case, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    let all = case.evidence.limitations.iter();
    let all = all.chain(&case.evidence.after.limitations);
    for limitation in all.filter(|it| extent.whole || is_felt(it)) {
        writeln!(out, "{FAINT}{}{FAINT:#}", text::limitation(limitation))?;
    }
    Ok(())
}

/// Whether a finding may be missing because of it.
const fn is_felt(limitation: &Limitation) -> bool {
    use Feature::{PageHolders, Privileges, Processes, ProcessesOfOthers, Tracing};
    matches!(
        limitation.feature,
        Tracing | PageHolders | Privileges | Processes | ProcessesOfOthers
    )
}

/// Writes a text in lines that fit on a screen.
fn wrapped(text: &str, out: &mut impl Write) -> io::Result<()> {
    const WIDTH: usize = 100;
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(out, "{line}")?;
            line = " ".to_owned();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    writeln!(out, "{line}")
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod tests;
