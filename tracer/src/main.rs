//! The `pagetrace` command.

use std::process::ExitCode;

use pagetrace::{check, cli, present, session};

fn main() -> ExitCode {
    let args = match cli::Args::read(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => error.exit(),
    };
    let result = match args.command {
        Some(cli::Command::Check) => present::check(&check::findings()),
        None => session::run(&args.trace),
    };
    result.unwrap_or_else(|error| present::failure(&error))
}
