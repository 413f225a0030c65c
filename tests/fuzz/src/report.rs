//! Any bytes give a report or one sentence, and a report that was read is written as it was.

use pagetrace::model::Report;

pub(crate) fn check(data: &[u8]) {
    match Report::from_json(data) {
        Ok(report) => {
            let written = serde_json::to_vec(&report).expect("a report can be written");
            let again = Report::from_json(&written).expect("what was written can be read");
            assert_eq!(again, report);
        }
        Err(error) => assert!(!format!("{error:#}").is_empty()),
    }
}
