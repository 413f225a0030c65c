//! The `pagetrace` command.

use std::process::ExitCode;

use pagetrace::{cli, commands, render};

fn main() -> ExitCode {
    let command = match cli::Command::read(std::env::args_os()) {
        Ok(command) => command,
        Err(error) => error.exit(),
    };
    commands::outlive_file_size_limit();
    let result = match command {
        cli::Command::Trace(args) => commands::trace::run(&args),
        cli::Command::Doctor(args) => commands::doctor::run(&args),
        cli::Command::Report(args) => commands::report::run(*args),
        cli::Command::Serve(args) => commands::serve::run(&args),
        cli::Command::Top(args) => commands::top::run(&args),
        cli::Command::Mem(args) => commands::mem::run(&args),
        cli::Command::Pages(args) => commands::pages::run(&args),
        cli::Command::Holders(args) => commands::holders::run(&args),
        cli::Command::Sock(args) => commands::sock::run(&args),
        cli::Command::Shm(args) => commands::shm::run(&args),
        cli::Command::Proc(args) => commands::proc::run(&args),
        cli::Command::Snapshot(args) => commands::snapshot::run(&args),
        cli::Command::Diff(args) => commands::diff::run(&args),
        cli::Command::Check => commands::check::run(),
    };
    result.unwrap_or_else(|error| render::failure(&error))
}
