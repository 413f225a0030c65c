//! Where memory was at the beginning, and where it is at the end.

use anyhow::Result;

use super::Facts;
use crate::{
    analysis::{balance, explain},
    model::{
        Balance, Cause, Culprit, Evidence, Finding, Gravity, Remedy, Snapshot, Subject, Sureness,
        Threshold,
    },
};

/// Both balances.
pub(super) struct Balances {
    before: Balance,
    pub(super) after: Balance,
}

impl Balances {
    pub(super) fn of(evidence: &Evidence) -> Result<Self> {
        Ok(Self {
            before: of(&evidence.before)?,
            after: of(&evidence.after)?,
        })
    }

    /// What a kind of memory has at the end; none if no line of the balance is of it.
    pub(super) fn bytes(&self, subject: Subject) -> Option<i64> {
        bytes(&self.after, subject)
    }

    /// By how much it grew.
    pub(super) fn growth(&self, subject: Subject) -> Option<i64> {
        let before = bytes(&self.before, subject)?;
        Some(bytes(&self.after, subject)?.saturating_sub(before))
    }

    /// By how much all slabs grew: of a page frame nobody can tell which of the two it is.
    pub(super) fn growth_of_all_slabs(&self) -> Option<i64> {
        let all = |it: &Balance| sum(it, &["SUnreclaim", "SReclaimable"]);
        Some(all(&self.after)?.saturating_sub(all(&self.before)?))
    }
}

fn of(snapshot: &Snapshot) -> Result<Balance> {
    let mut balance = balance(&snapshot.memory, Threshold::Usual)?;
    let vmalloc = snapshot.memory.vmalloc.as_deref().unwrap_or_default();
    explain(&mut balance, snapshot.holders(), vmalloc);
    Ok(balance)
}

fn bytes(balance: &Balance, subject: Subject) -> Option<i64> {
    sum(balance, subject.lines())
}

fn sum(balance: &Balance, fields: &[&str]) -> Option<i64> {
    let lines = balance.tree.lines();
    let lines = lines.filter(|line| fields.contains(&line.field.as_str()));
    let bytes = lines.map(|line| line.bytes);
    bytes.reduce(i64::saturating_add)
}

/// The line of the balance that is too large, if nothing was found yet that explains it.
pub(super) fn counter(facts: &Facts<'_>, found: &[Finding]) -> Option<Finding> {
    let culprit = facts.balances.after.verdict.culprit.clone()?;
    let cause = Cause::Counter(culprit.clone());
    let is_same = |it: &&Finding| it.cause.subject() == cause.subject();
    let found = found.iter().filter(is_same);
    let explained = found.map(|it| it.bytes).fold(0, u64::saturating_add);
    if explained >= culprit.bytes / 2 {
        return None;
    }
    Some(Finding {
        gravity: gravity(&culprit),
        bytes: culprit.bytes,
        growth_bytes: facts.balances.growth(cause.subject()),
        certainty: Sureness::Possible,
        remedies: remedies(&cause, culprit.next),
        cause,
    })
}

/// What points to page frames that nobody was found to hold says more than who takes them next.
fn remedies(cause: &Cause, next: String) -> Vec<Remedy> {
    let explain = Remedy::of("pagetrace holders --explain");
    let explain = (cause.subject() == Subject::NoCounter).then_some(explain);
    explain.into_iter().chain([Remedy::of(next)]).collect()
}

/// Huge pages are set aside by somebody's wish, and shared memory is what databases live in: how much
/// of it there is says nothing.
fn gravity(culprit: &Culprit) -> Gravity {
    match culprit.field.as_str() {
        "free - resv" | "Shmem" => Gravity::Information,
        _ => Gravity::Suspicious,
    }
}
