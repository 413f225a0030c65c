//! Every field of the JSON documents about memory is explained in `docs/`.

use std::{collections::BTreeSet, process};

use pagetrace_tests::harness::{Pagetrace, root_or_skip};
use serde_json::Value;

use crate::doctor::full_pipes;

const DOCUMENTS: [&str; 8] = [
    include_str!("../../../docs/json.md"),
    include_str!("../../../docs/snapshots.md"),
    include_str!("../../../docs/holders.md"),
    include_str!("../../../docs/pages.md"),
    include_str!("../../../docs/page-holders.md"),
    include_str!("../../../docs/shm.md"),
    include_str!("../../../docs/processes.md"),
    include_str!("../../../docs/doctor.md"),
];

/// Fields whose own fields are the kernel's, or are named in words.
const FREE: [&str; 4] = ["gfp_flags", "meminfo", "vmstat", "pages"];

fn document(args: &[&str]) -> Value {
    let finished = Pagetrace::new(args).run();
    // Of a case, 20 says that memory leaks.
    let is_told = matches!(finished.status.code(), Some(0 | 20));
    assert!(is_told, "{finished:#?}");
    serde_json::from_str(&finished.stdout).expect("JSON")
}

fn fields(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                found.insert(name.clone());
                if !FREE.contains(&name.as_str()) {
                    fields(value, found);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

#[test]
fn every_field_of_the_documents_about_memory_is_explained() {
    let Some(_machine) = root_or_skip("every_field_of_the_documents_about_memory_is_explained")
    else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let snapshot = folder.path().join("snapshot");
    let snapshot = snapshot.to_str().expect("a UTF-8 path");
    let saved = Pagetrace::new(&["snapshot", "-o", snapshot]).run();
    assert!(saved.status.success(), "{saved:#?}");
    let _leak = full_pipes();
    let pid = process::id().to_string();
    let mut found = BTreeSet::new();
    for args in [
        &["mem", "--census", "--json", "-"][..],
        &["mem", "--from", snapshot, "--json", "-"],
        &["pages", "--json", "-"],
        &["pages", "--list", "plain", "--json", "-"],
        &["holders", "--explain", "--json", "-"],
        &["sock", "--json", "-"],
        &["shm", "--json", "-"],
        &["proc", "--json", "-", "-i", "1"],
        &["proc", &pid, "--peek", "--json", "-"],
        &["diff", snapshot, snapshot, "--json", "-"],
        &["doctor", "-i", "1", "--json", "-"],
    ] {
        fields(&document(args), &mut found);
    }
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let texts = DOCUMENTS
        .iter()
        .flat_map(|text| text.split('`').skip(1).step_by(2));
    let explained: BTreeSet<_> = texts
        .flat_map(|code| code.split(|it| !is_part(it)))
        .collect();
    found.retain(|field| !explained.contains(field.as_str()));
    assert!(found.is_empty(), "not in docs/: {found:?}");
}
