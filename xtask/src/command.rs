//! Running other programs, with errors that name them.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// The command as one would type it.
pub(crate) fn spelled(command: &Command) -> String {
    let set = |(name, value): (&OsStr, Option<&OsStr>)| {
        Some(format!("{}={} ", name.display(), value?.display()))
    };
    command.get_envs().filter_map(set).collect::<String>() + &words(command)
}

/// The command without what it finds in its environment.
fn words(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Runs `command` to its end and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_run(command))?;
    ensure!(status.success(), "`{}` failed: {status}", words(command));
    Ok(())
}

/// Runs `command` and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| cannot_run(command))?;
    ensure!(
        output.status.success(),
        "`{}` failed: {}",
        words(command),
        output.status
    );
    String::from_utf8(output.stdout).with_context(|| format!("`{}` is not text", words(command)))
}

/// `program`, with root's rights.
pub(crate) fn as_root(program: &str) -> Command {
    // SAFETY: it has no preconditions and cannot fail.
    if unsafe { libc::geteuid() } == 0 {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.arg(program);
    sudo
}

fn cannot_run(command: &Command) -> String {
    format!("cannot run `{}`", words(command))
}
