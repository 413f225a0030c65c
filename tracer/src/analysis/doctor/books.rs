//! What grew, beside the page frames that were traced for it.

use super::Facts;
use crate::{
    analysis::summary,
    model::{
        Book, Cause, Finding, Gravity, Kind, KindChoice, Remedy, Report, Seconds, Selection,
        Subject, Sureness, Totals,
    },
};

/// A book for every kind of memory that the trace sees being taken; none without a trace.
pub(super) fn books(facts: &Facts<'_>) -> Vec<Book> {
    let Some(trace) = &facts.evidence.trace else {
        return Vec::new();
    };
    let kinds = [
        (Subject::NoCounter, KindChoice::Unaccounted),
        (Subject::Slab, KindChoice::Only(Kind::Slab)),
        (Subject::Vmalloc, KindChoice::Only(Kind::Vmalloc)),
    ];
    let books = kinds.into_iter();
    books
        .filter_map(|(subject, kind)| {
            let growth = match subject {
                Subject::Slab => facts.balances.growth_of_all_slabs(),
                _ => facts.balances.growth(subject),
            };
            Some(book(subject, growth?, &totals(trace, kind)))
        })
        .collect()
}

fn book(subject: Subject, growth_bytes: i64, traced: &Totals) -> Book {
    Book {
        subject,
        growth_bytes,
        traced_bytes: traced.ranked_bytes,
        drain_estimate_bytes: traced.drain_estimate_bytes,
    }
}

fn totals(trace: &Report, kind: KindChoice) -> Totals {
    let selection = Selection {
        kinds: KindChoice::kinds(&[kind]),
        min_age_seconds: Seconds::default(),
        ..Selection::default()
    };
    summary(trace, &selection).totals
}

/// Those whose growth is not explained to more than a tenth.
pub(super) fn open(facts: &Facts<'_>, books: &[Book]) -> Vec<Finding> {
    let is_open = |book: &&Book| {
        let gap = book.gap_bytes();
        gap >= i64::try_from(facts.large).unwrap_or(i64::MAX) && gap > book.growth_bytes / 10
    };
    books.iter().filter(is_open).map(finding).collect()
}

fn finding(book: &Book) -> Finding {
    Finding {
        gravity: Gravity::Suspicious,
        cause: Cause::OpenBook(*book),
        bytes: book.gap_bytes().try_into().unwrap_or(0),
        growth_bytes: Some(book.growth_bytes),
        certainty: Sureness::Possible,
        remedies: vec![Remedy::of("pagetrace -i 600 --scope all --verbose")],
    }
}
