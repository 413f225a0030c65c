//! A case, held against the machine as it is now.

use anyhow::Result;

use super::remaining_bytes;
use crate::{
    analysis::balance,
    model::{
        Case, Check, Finding, Gravity, Snapshot, Threshold, Tool, Verification, VerificationSchema,
    },
};

/// What came back of each finding that was more than information; an error if one of both has no
/// balance.
pub fn verification(case: &Case, now: &Snapshot) -> Result<Verification> {
    let then = &case.evidence.after;
    let no_counter = |it: &Snapshot| balance(&it.memory, Threshold::Usual);
    let wrong = case.findings.iter();
    let wrong = wrong.filter(|it| it.gravity > Gravity::Information);
    Ok(Verification {
        schema: VerificationSchema::V1,
        tool: Tool::own(),
        host: now.host.clone(),
        case_at: then.taken_at,
        taken_at: now.taken_at,
        no_counter_bytes: [
            no_counter(then)?.unaccounted_bytes,
            no_counter(now)?.unaccounted_bytes,
        ],
        checks: wrong.map(|finding| check(finding, now)).collect(),
    })
}

fn check(finding: &Finding, now: &Snapshot) -> Check {
    Check {
        cause: finding.cause.clone(),
        promised_bytes: finding.remedies.iter().find_map(|it| it.gives_bytes),
        before_bytes: finding.bytes,
        now_bytes: remaining_bytes(&finding.cause, now),
    }
}
