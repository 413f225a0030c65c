//! Says what the BPF programs of a process cost while a command runs, as the kernel
//! counts it.
//!
//! ```text
//! $ bpf_stats read --pid 4711 -- workload pipes --operations 20000
//! {"map_bytes":48573140,"seconds":0.21,"programs":{"page_alloc":{"runs":320711,...
//! $ bpf_stats empty &   # for comparison: programs that do nothing
//! attached
//! ```

use std::{
    io::{Write as _, stderr, stdout},
    thread,
};

use anyhow::{Context as _, Result};
use clap::Parser;
use pagetrace_tests::bpf_stats::{Empty, Reading};

/// Says what BPF programs cost
#[derive(Parser)]
enum Verb {
    /// Watch the programs of a process while a command runs; prints JSON
    Read {
        /// The process
        #[arg(long)]
        pid: u32,
        /// The command; what it prints is dropped
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Attach programs that do nothing, until a signal comes
    Empty,
}

fn main() -> Result<()> {
    match Verb::parse() {
        Verb::Read { pid, command } => {
            let reading = Reading::take(pid, &command)?;
            writeln!(stdout(), "{}", serde_json::to_string(&reading)?)?;
        }
        Verb::Empty => {
            let _attached = Empty::attach().context("cannot attach an empty program")?;
            writeln!(stderr(), "attached")?;
            loop {
                thread::park();
            }
        }
    }
    Ok(())
}
