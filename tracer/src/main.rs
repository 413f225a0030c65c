//! The `pagetrace` command.

use std::process::ExitCode;

use pagetrace::{cli, commands, render};

fn main() -> ExitCode {
    let args = match cli::Args::read(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => error.exit(),
    };
    commands::outlive_file_size_limit();
    let result = match args.command {
        Some(cli::Command::Check) => commands::check::run(),
        None => commands::trace::run(&args.trace),
    };
    result.unwrap_or_else(|error| render::failure(&error))
}
