//! The chores of pagetrace, one file per verb.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to whoever runs it"
)]

mod bench;
mod command;
mod dist;
mod ebpf;
mod executables;
#[path = "../../tracer/build/fingerprint.rs"]
mod fingerprint;
mod installed;
#[path = "../../tracer/build/manifest.rs"]
mod manifest;
mod mounted;
mod part;
mod setup;
mod toolchain;
mod vm;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// The chores of pagetrace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Verb {
    /// Install what is missing of the BPF toolchain
    Setup,
    /// Build the BPF object that is checked in
    Ebpf(ebpf::Options),
    /// Measure pagetrace and its peers on this machine, and compare with the targets
    Bench(bench::Options),
    /// Run a command where the file systems are mounted that distributions mount
    Mounted(mounted::Options),
    /// Make the packages that users install, in target/dist
    Dist(dist::Options),
    /// Run the end-to-end suite in virtual machines, and write docs/kernels.md
    Vm(vm::Options),
}

fn main() -> ExitCode {
    match run(&Verb::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: &Verb) -> Result<()> {
    match verb {
        Verb::Setup => setup::run(),
        Verb::Ebpf(options) => ebpf::run(options),
        Verb::Bench(options) => bench::run(options),
        Verb::Mounted(options) => mounted::run(options),
        Verb::Dist(options) => dist::run(options),
        Verb::Vm(options) => vm::run(options),
    }
}
