//! One line for monitoring: `PAGETRACE CRITICAL - 500 pipes … | no_counter=1B`.

use std::io::{self, Write};

use anyhow::Error;

use super::{Gravity, headline};
use crate::{
    model::{Case, Subject},
    render::{escape::harmless, sentence},
};

/// Writes how bad it is, the worst finding, and what is in no counter.
pub fn nagios(case: &Case, out: &mut Vec<u8>) -> io::Result<()> {
    let first = case.findings.first();
    let worst = first.filter(|it| it.gravity > Gravity::Information);
    let state = match case.gravity() {
        Some(Gravity::Leak) => "CRITICAL",
        Some(Gravity::Suspicious) => "WARNING",
        None | Some(Gravity::Information) => "OK",
    };
    let what = worst.map_or_else(|| "nothing is wrong".to_owned(), headline);
    let no_counter = case.looked_at.iter();
    let mut no_counter = no_counter.filter(|it| it.subject == Subject::NoCounter);
    let bytes = no_counter.next().and_then(|it| it.bytes);
    // `U` stands for what is not known.
    let bytes = bytes.map_or_else(|| "U".to_owned(), |it| format!("{it}B"));
    // A bar begins the numbers.
    let what = what.replace('|', "/");
    writeln!(out, "PAGETRACE {state} - {what} | no_counter={bytes}")
}

/// Writes why nothing can be told.
pub fn nagios_unknown(error: &Error, out: &mut Vec<u8>) -> io::Result<()> {
    let error = sentence(error);
    writeln!(out, "PAGETRACE UNKNOWN - {}", harmless(&error))
}
