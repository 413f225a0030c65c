//! What came back of what a case promised.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::{
    analysis,
    cli::{DoctorArgs, Input},
    commands::{answer::Answer, take},
    kernel::host,
    model::{Case, Verification},
    render,
};

/// Looks again, and compares with the case.
pub(super) fn verify(input: &Input, args: &DoctorArgs) -> Result<ExitCode> {
    let answer = Answer::open(args.json.as_ref(), usize::MAX, args.verbose)?;
    let case: Case = take::saved(input)?;
    ensure!(
        case.evidence.boot_id == Some(host::boot_id()?),
        "the case is of another machine, or of this one before it was started again: nothing of it \
         can be here"
    );
    let now = take::running(take::Parts::ALL)?;
    let verification = analysis::verification(&case, &now)?;
    answer.write(&verification, |it, _, out| render::verification(it, out))?;
    Ok(exit_code(&verification))
}

/// 0 where everything came back, 10 where something is there still, or nobody can tell.
fn exit_code(verification: &Verification) -> ExitCode {
    let is_kept = verification
        .checks
        .iter()
        .all(|it| it.is_kept() == Some(true));
    if is_kept {
        ExitCode::SUCCESS
    } else {
        10.into()
    }
}
