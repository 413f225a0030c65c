//! Does a number of like operations and says how long one takes.
//!
//! ```text
//! $ workload pipes --operations 20000 --threads 2
//! 10112.4 ns per operation
//! ```

use std::io::{Write as _, stdout};

use clap::Parser;
use pagetrace_tests::workloads::Name;

/// Does a number of like operations and says how long one takes
#[derive(Parser)]
struct Options {
    /// What to do
    #[arg(value_enum)]
    name: Name,
    /// How often each thread does it, beside a tenth of that to warm up
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    operations: u64,
    /// How many do so at once
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let seconds = options.name.measure(options.operations, options.threads)?;
    let nanoseconds = seconds * 1e9;
    writeln!(stdout(), "{nanoseconds:.1} ns per operation")?;
    Ok(())
}
