//! Any bytes give a case or one sentence; a case can be told, redacted and held against itself,
//! whatever it says.

use pagetrace::{
    analysis,
    model::{Case, Saved as _},
    render::{self, Extent},
};

pub(crate) fn check(data: &[u8]) {
    match Case::from_json(data) {
        Ok(case) => tell(&case),
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
}

fn tell(case: &Case) {
    let mut shown = Vec::new();
    for whole in [false, true] {
        let extent = Extent { top: 2, whole };
        render::case(case, extent, &mut shown).expect("memory takes everything");
    }
    render::nagios(case, &mut shown).expect("memory takes everything");
    if let Ok(verification) = analysis::verification(case, &case.evidence.after) {
        render::verification(&verification, &mut shown).expect("memory takes everything");
    }
    let redacted = analysis::redacted(case).expect("it can be written down");
    assert_eq!(redacted.findings.len(), case.findings.len());
    // What it follows from is judged again as it was at first: without a word about what it says.
    let _ = analysis::diagnose(&case.evidence);
}
