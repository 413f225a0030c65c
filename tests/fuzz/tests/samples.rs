//! Every sample passes the check of its target, in a test like any other.
//!
//! So a crash file that becomes a sample is a regression test.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pagetrace::model::{Report, Saved as _};
use pagetrace_fuzz::CHECKS;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
const TARGETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz_targets");

fn entries(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    paths.collect()
}

/// The names of what is in the folder, without `.rs`.
fn names(folder: &str) -> BTreeSet<String> {
    let name = |path: &Path| Some(path.file_stem()?.to_str()?.to_owned());
    entries(folder)
        .iter()
        .filter_map(|path| name(path))
        .collect()
}

#[test]
fn every_check_has_a_target_and_a_folder_of_samples() {
    let checks: BTreeSet<_> = CHECKS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(TARGETS), checks);
    assert_eq!(names(CORPUS), checks);
}

#[test]
fn the_sample_of_a_report_can_be_read() {
    let sample = fs::read(format!("{CORPUS}/report/schema_2"));
    let report = Report::from_json(&sample.expect("the sample can be read"));
    assert!(!report.expect("it is whole").sites.is_empty());
}

#[test]
#[expect(clippy::print_stdout, reason = "captured, unless a check fails")]
fn every_sample_passes_its_check() {
    for (name, check) in CHECKS {
        let samples = entries(&format!("{CORPUS}/{name}"));
        assert!(!samples.is_empty(), "{name}");
        for sample in samples {
            println!("{}", sample.display());
            check(&fs::read(&sample).expect("the sample can be read"));
        }
    }
}
