//! `cargo xtask mounted COMMAND`: runs a command where tracefs, debugfs, securityfs, bpffs and
//! cgroups are mounted, as every distribution has it, whatever this machine has.
//!
//! The mounts are in a mount namespace of the command's own: nobody else sees them.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::command;

/// What to run.
#[derive(Args)]
pub(crate) struct Options {
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// File systems, and where systemd mounts them.
const FILE_SYSTEMS: [(&str, &str); 4] = [
    ("tracefs", "/sys/kernel/tracing"),
    ("debugfs", "/sys/kernel/debug"),
    ("securityfs", "/sys/kernel/security"),
    ("bpf", "/sys/fs/bpf"),
];

const CGROUPS: &str = "/sys/fs/cgroup";

/// Runs the verb; it becomes the command.
pub(crate) fn run(options: &Options) -> Result<()> {
    enter_namespace()?;
    let there = mounted()?;
    let missing = FILE_SYSTEMS
        .into_iter()
        .filter(|(kind, _)| !there.contains(*kind));
    for (kind, place) in missing {
        mount_at(kind, place, None)?;
    }
    if !there.contains("cgroup") && !there.contains("cgroup2") {
        mount_cgroups()?;
    }
    let there: Vec<_> = mounted()?.into_iter().collect();
    eprintln!("mounted: {}", there.join(", "));
    let mut command = Command::new(&options.command[0]);
    command.args(&options.command[1..]);
    let error = command.exec();
    Err(error).with_context(|| format!("cannot run `{}`", command::spelled(&command)))
}

/// What this process mounts from now on is its own, and its children's.
pub(crate) fn enter_namespace() -> Result<()> {
    // SAFETY: the flag is not FILES, so no descriptor changes its meaning.
    let entered = unsafe { unshare_unsafe(UnshareFlags::NEWNS) };
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    let entered = entered.and_then(|()| mount_change("/", private));
    entered.context("cannot make a mount namespace: run it as root")
}

/// The kinds of file systems that are mounted.
fn mounted() -> Result<BTreeSet<String>> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("cannot read the mounts")?;
    Ok(kinds(&mounts).map(str::to_owned).collect())
}

/// The third field of lines such as `cgroup2 /sys/fs/cgroup cgroup2 rw 0 0`.
fn kinds(mounts: &str) -> impl Iterator<Item = &str> {
    mounts.lines().filter_map(|line| line.split(' ').nth(2))
}

/// Both versions, version 1 with the memory controller: systemd's hybrid layout.
fn mount_cgroups() -> Result<()> {
    mount_at("tmpfs", CGROUPS, Some(c"mode=755"))?;
    for (kind, name, data) in [
        ("cgroup", "memory", Some(c"memory")),
        ("cgroup2", "unified", None),
    ] {
        let place = format!("{CGROUPS}/{name}");
        fs::create_dir(&place).with_context(|| format!("cannot make {place}"))?;
        mount_at(kind, &place, data)?;
    }
    Ok(())
}

fn mount_at(kind: &str, place: &str, data: Option<&CStr>) -> Result<()> {
    mount(kind, place, kind, MountFlags::empty(), data)
        .with_context(|| format!("cannot mount {kind} at {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_the_third_field() {
        let mounts = "proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n";
        assert_eq!(kinds(mounts).collect::<Vec<_>>(), ["proc", "cgroup"]);
    }
}
