//! Functions that take page frames and keep them.

use super::{Facts, known, reserved};
use crate::{
    analysis::{balance::signed, summary},
    model::{
        Cause, Entry, Finding, Gravity, HeldPages, KindChoice, KnownMemory, Remedy, Report,
        Selection, SiteCause, Subject, Summary, Sureness, TakenBy, TrendVerdict,
    },
};

/// What was traced of page frames in no counter.
pub(super) fn traced(trace: &Report) -> Summary {
    let selection = Selection {
        kinds: KindChoice::kinds(&[KindChoice::Unaccounted]),
        ..Selection::default()
    };
    summary(trace, &selection)
}

/// Those that keep much of which nothing found so far is the holder.
pub(super) fn sites(facts: &Facts<'_>, found: &[Finding]) -> Vec<Finding> {
    let entries = facts.traced.iter().flat_map(|it| &it.entries);
    let entries = entries.filter(|it| it.bytes >= facts.large);
    let entries = entries.filter(|it| !is_explained(it, found) && !is_set_aside(it, facts));
    entries.map(|entry| finding(entry, facts)).collect()
}

/// Whether most of its pages are with holders that are findings themselves.
fn is_explained(entry: &Entry, found: &[Finding]) -> bool {
    let is_found = |held: &&HeldPages| {
        let keys = found.iter().filter_map(|it| match &it.cause {
            Cause::Held(cause) => Some(&cause.key),
            _ => None,
        });
        keys.into_iter().any(|key| *key == held.key)
    };
    let pages: u64 = entry.held_by.iter().filter(is_found).map(pages).sum();
    pages > entry.pages / 2
}

/// Whether holders that tell themselves what they have, and that such memory is known to belong to, got
/// as much.
fn is_set_aside(entry: &Entry, facts: &Facts<'_>) -> bool {
    let holders = facts.evidence.after.holders().iter();
    let same = holders.filter(|it| {
        let known = known::of_kind(it.kind).map(|it| &it.name);
        !it.kind.is_walked() && known.is_some() && known == entry.known.map(|it| &it.name)
    });
    let growth = same.map(|it| reserved::growth(it, facts));
    let growth = growth.fold(0, i64::saturating_add);
    growth >= signed(entry.bytes / 10 * 9)
}

const fn pages(held: &HeldPages) -> u64 {
    held.pages
}

fn finding(entry: &Entry, facts: &Facts<'_>) -> Finding {
    let verdict = entry.growth.map(|it| it.verdict);
    let most = entry.kinds.iter().max_by_key(|(_, pages)| **pages);
    Finding {
        gravity: gravity(entry, facts),
        bytes: entry.bytes,
        growth_bytes: i64::try_from(entry.bytes).ok(),
        certainty: match verdict {
            Some(TrendVerdict::Growing) => Sureness::Likely,
            _ => Sureness::Possible,
        },
        remedies: remedies(entry),
        cause: Cause::Site(SiteCause {
            taken_by: taken_by(entry),
            page_kind: most.map(|(kind, _)| *kind),
            allocated_pages: entry.allocated_pages,
            trend: entry.growth,
            held_pages: entry.held_by.iter().map(pages).sum(),
            known: entry.known.map(KnownMemory::from),
        }),
    }
}

/// What only fills up, or renews itself, is no leak; what grows is one if nothing was found that has it,
/// and if older pages do not go as fast as new ones come.
fn gravity(entry: &Entry, facts: &Facts<'_>) -> Gravity {
    let held: u64 = entry.held_by.iter().map(pages).sum();
    let is_unheld = held < entry.pages / 2;
    let growth = facts.balances.growth(Subject::NoCounter).unwrap_or(0);
    let all_grows = growth >= signed(facts.large / 2);
    match entry.growth.map(|it| it.verdict) {
        Some(TrendVerdict::Growing) if is_unheld && all_grows => Gravity::Leak,
        Some(TrendVerdict::LevelledOff | TrendVerdict::TurnsOver) => Gravity::Information,
        _ => Gravity::Suspicious,
    }
}

pub(super) fn taken_by(entry: &Entry) -> TakenBy {
    TakenBy {
        function: entry.owner.clone(),
        module: entry.module.clone(),
        pages: entry.pages,
    }
}

/// Who took page frames cannot be made to give them back from outside: whoever wrote it has to.
fn remedies(entry: &Entry) -> Vec<Remedy> {
    let longer = "pagetrace -i 600 --sort growth --verbose";
    let look = entry.known.map(|it| Remedy::of(&it.look));
    look.into_iter().chain([Remedy::of(longer)]).collect()
}
