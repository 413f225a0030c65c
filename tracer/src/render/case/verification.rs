//! What came back of what a case promised, for people.

use std::io::{self, Write};

use super::cause;
use crate::{
    model::{Check, Verification},
    render::{
        styles::{CULPRIT, HEADING},
        text,
    },
};

/// Writes what came back, the answer first.
pub fn verification(it: &Verification, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, "{HEADING}{}{HEADING:#}", answer(it))?;
    for check in &it.checks {
        let style = if check.is_kept() == Some(true) {
            HEADING
        } else {
            CULPRIT
        };
        writeln!(
            out,
            "{style}{:<10}{style:#} {}",
            verdict(check),
            line(check)
        )?;
    }
    let [then, now] = it.no_counter_bytes.map(text::signed_bytes);
    writeln!(out, "Kernel pages in no counter: {then} then, {now} now")?;
    let host = text::host(&it.host);
    writeln!(
        out,
        "{host}; {:.0}, and {:.0} then",
        it.taken_at, it.case_at
    )
}

fn answer(it: &Verification) -> String {
    let returned = it.checks.iter().filter_map(Check::returned_bytes);
    let returned = returned.fold(0, i64::saturating_add);
    let kept = it.checks.iter().filter(|it| it.is_kept() == Some(true));
    match (kept.count(), it.checks.len()) {
        (_, 0) => "The case has no finding that could be verified".to_owned(),
        (kept, all) if kept == all => {
            format!("All came back: {}", text::signed_bytes(returned))
        }
        (kept, all) => format!(
            "{kept} of {} came back: {}",
            text::counted(all as u64, "finding"),
            text::signed_bytes(returned)
        ),
    }
}

fn verdict(check: &Check) -> &'static str {
    match check.is_kept() {
        Some(true) => "came back",
        Some(false) => "still here",
        None => "not known",
    }
}

/// `500 pipes: 31.25 MiB then, 0 B now; 31.25 MiB were promised`
fn line(check: &Check) -> String {
    let what = cause::name(&check.cause);
    let then = text::bytes(check.before_bytes);
    let now = match check.now_bytes {
        Some(bytes) => format!("{} now", text::bytes(bytes)),
        None => "what it has now cannot be told".to_owned(),
    };
    let promised = check.promised_bytes.map(text::bytes);
    let promised = promised.map(|it| format!("; {it} were promised"));
    format!("{what}: {then} then, {now}{}", promised.unwrap_or_default())
}
