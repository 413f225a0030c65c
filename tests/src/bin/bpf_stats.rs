//! Says what the BPF programs of a process cost while a command runs, as the kernel
//! counts it.
//!
//! ```text
//! $ bpf_stats read --pid 4711 -- workload pipes --operations 20000
//! {"maps":{"SLOTS":26189824,...},"seconds":0.21,"programs":{"page_alloc":{"runs":320711,...
//! $ bpf_stats empty   # for comparison: programs that do nothing, until stdin is closed
//! attached
//! ```

use std::io::{Write as _, stdin, stdout};

use anyhow::{Context as _, Result};
use clap::Parser;
use pagetrace_tests::bpf_stats::{Empty, take};

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
    /// Attach programs that do nothing, until a line arrives on stdin or it is closed
    Empty,
}

fn main() -> Result<()> {
    match Verb::parse() {
        Verb::Read { pid, command } => {
            let reading = take(pid, &command)?;
            writeln!(stdout(), "{}", serde_json::to_string(&reading)?)?;
        }
        Verb::Empty => {
            let _attached = Empty::attach().context("cannot attach an empty program")?;
            writeln!(stdout(), "attached")?;
            stdin().read_line(&mut String::new())?;
        }
    }
    Ok(())
}
