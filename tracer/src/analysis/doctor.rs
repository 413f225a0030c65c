//! What follows from two looks at a machine and a trace in between: which kind of memory is in
//! question, who has it, and what would give it back. The rules are in `docs/doctor.md`.

mod against;
mod balances;
mod books;
mod held;
mod known;
mod next_kill;
mod processes;
mod redacted;
mod remaining;
mod reserved;
#[cfg(test)]
pub(crate) mod sample;
mod shmem;
mod sites;
mod slabs;
mod verification;

pub use self::{redacted::redacted, verification::verification};

use self::remaining::remaining_bytes;

use std::cmp::Reverse;

use anyhow::Result;

use self::balances::Balances;
use crate::model::{
    Book, Cause, Evidence, Finding, Gravity, LookedAt, ProcessEntry, Subject, Summary,
};

/// What follows from evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// What was found, most severe first.
    pub findings: Vec<Finding>,
    /// Every kind of memory that was looked at.
    pub looked_at: Vec<LookedAt>,
    /// What grew, beside what was traced of it.
    pub books: Vec<Book>,
    /// From so many bytes on, something is worth a finding.
    pub large_bytes: u64,
}

/// What the rules look at.
struct Facts<'a> {
    evidence: &'a Evidence,
    balances: Balances,
    /// What was traced of page frames in no counter; none without a trace.
    traced: Option<Summary>,
    large: u64,
}

/// Finds what is wrong; an error if a snapshot has no balance.
pub fn diagnose(evidence: &Evidence) -> Result<Diagnosis> {
    let balances = Balances::of(evidence)?;
    let facts = Facts {
        evidence,
        large: large_bytes(balances.after.total_bytes),
        traced: evidence.trace.as_ref().map(sites::traced),
        balances,
    };
    let books = books::books(&facts);
    Ok(Diagnosis {
        findings: findings(&facts, &books),
        looked_at: looked_at(&facts),
        books,
        large_bytes: facts.large,
    })
}

/// From how many bytes on something is worth a finding: a 512th of memory, and no less than 32 MiB,
/// which an idle machine moves by in a minute; no more than 1 GiB, which nobody can miss.
pub fn large_bytes(total: u64) -> u64 {
    (total / 512).clamp(32 << 20, 1 << 30)
}

fn findings(facts: &Facts<'_>, books: &[Book]) -> Vec<Finding> {
    let mut findings = held::held(facts);
    findings.extend(sites::sites(facts, &findings));
    findings.extend(slabs::slabs(facts));
    findings.extend(shmem::shmem(facts));
    findings.extend(processes::processes(facts));
    findings.extend(reserved::reserved(facts));
    findings.extend(against::against(facts));
    findings.extend(balances::counter(facts, &findings));
    findings.extend(books::open(facts, books));
    findings.iter_mut().for_each(leave_alone);
    findings.sort_by_key(|it| Reverse((it.gravity, it.certainty, it.bytes)));
    findings
}

/// Of what is fine, only reserves and caches are lowered, by whoever wishes; nobody is to be killed.
fn leave_alone(finding: &mut Finding) {
    let is_reserve = matches!(
        finding.cause,
        Cause::Reserved { .. } | Cause::SlabCache { .. } | Cause::Counter(_) | Cause::PageCache
    );
    if finding.gravity == Gravity::Information && !is_reserve {
        finding.remedies.clear();
    }
}

fn looked_at(facts: &Facts<'_>) -> Vec<LookedAt> {
    let all = Subject::LOOKED_AT.into_iter();
    all.map(|subject| LookedAt {
        subject,
        bytes: facts.balances.bytes(subject),
        growth_bytes: facts.balances.growth(subject),
    })
    .collect()
}

/// How old a process is, in seconds: what started last has just started. The kernel counts starts in
/// hundredths (`USER_HZ`).
fn age_seconds(entry: &ProcessEntry, facts: &Facts<'_>) -> u64 {
    let processes = facts.evidence.after.processes.iter();
    let processes = processes.flat_map(|it| &it.processes);
    let last = processes.map(|it| it.start_time_ticks).max().unwrap_or(0);
    last.saturating_sub(entry.process.start_time_ticks) / 100
}

#[cfg(test)]
#[path = "doctor/tests.rs"]
pub(crate) mod tests;
