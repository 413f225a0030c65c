//! Takes kernel pages, says how many, and holds them until a line arrives on
//! stdin or stdin is closed.
//!
//! ```text
//! $ leak pipes --count 500 --pages 16
//! holding 8000 pages
//! ```

use std::io::{Write as _, stdin, stdout};

use clap::Parser as _;
use pagetrace_tests::leaks::Leak;

fn main() -> anyhow::Result<()> {
    let held = Leak::parse().take()?;
    writeln!(stdout(), "{}", held.announcement)?;
    stdin().read_line(&mut String::new())?;
    drop(held);
    Ok(())
}
