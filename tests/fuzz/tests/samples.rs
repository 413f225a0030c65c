//! Every sample passes the checks of its target, in a test like any other.
//!
//! So a crash file that becomes a sample is a regression test.

#[path = "../src/targets/mod.rs"]
mod targets;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pagetrace::{kernel, model};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    paths.collect()
}

#[test]
fn every_target_has_a_folder_of_samples() {
    let folders = entries(CORPUS.as_ref());
    let folders: BTreeSet<_> = folders
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    let targets = targets::ALL.iter().map(|&(name, _)| name).collect();
    assert_eq!(folders, targets);
}

#[test]
#[expect(clippy::print_stdout, reason = "captured, unless a check fails")]
fn every_sample_passes_its_checks() {
    for folder in entries(CORPUS.as_ref()) {
        let name = folder.file_name().and_then(|name| name.to_str());
        let check = name.and_then(targets::find).expect("a target");
        let samples = entries(&folder);
        assert!(!samples.is_empty(), "{}", folder.display());
        for sample in samples {
            println!("{}", sample.display());
            check(&fs::read(&sample).expect("the sample can be read"));
        }
    }
}
