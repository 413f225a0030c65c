//! Refuses checked-in BPF objects that do not belong to their sources.
//!
//! Cargo cannot do this alone: the objects are built for another target, by tools
//! that someone who only builds `pagetrace` need not have.

#![expect(
    clippy::print_stdout,
    reason = "this is how a build script talks to cargo"
)]

mod fingerprint;
mod manifest;

use std::env;
use std::path::Path;

use anyhow::{Context as _, Result};
use manifest::Manifest;

fn main() {
    if let Err(error) = run() {
        println!("cargo::error={error:#}");
    }
}

fn run() -> Result<()> {
    let package = env::var("CARGO_MANIFEST_DIR").context("not run by cargo")?;
    let root = Path::new(&package).join("..");
    let inputs = [fingerprint::WHOLE, fingerprint::IN_PART];
    let objects = manifest::OBJECTS.map(manifest::path);
    let inputs = inputs.as_flattened().iter().copied();
    let inputs = inputs.chain(objects.iter().map(String::as_str));
    for path in inputs.chain([manifest::MANIFEST]) {
        println!("cargo::rerun-if-changed=../{path}");
    }
    Manifest::read(&root)?.verify(&root)
}
