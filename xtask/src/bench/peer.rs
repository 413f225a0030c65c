//! The peers: other tracers of page allocations, as far as this machine has them.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::attached::{Attached, Sign};

/// Another tracer.
pub(super) struct Peer {
    pub(super) name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
}

/// A peer that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    pub(super) name: &'static str,
    pub(super) version: String,
}

/// A peer that cannot be had, and why.
#[derive(Debug, Serialize)]
pub(super) struct Skipped {
    pub(super) name: &'static str,
    pub(super) reason: String,
}

/// Where to look first.
const FOLDER: &str = "PAGETRACE_BENCH_PEERS";

/// All allocations that are not freed, with their stack: what pagetrace does, too.
pub(super) const SCRIPT: &str = "tracepoint:kmem:mm_page_alloc { @s[args->pfn] = kstack(32); } \
    tracepoint:kmem:mm_page_free { delete(@s[args->pfn]); }";
/// How many pages the script can hold at once.
const SCRIPT_PAGES: (&str, &str) = ("BPFTRACE_MAX_MAP_KEYS", "1000000");

/// None of them finds its tracepoints without these file systems, which are mounted for it alone.
const IN_OWN_MOUNTS: &str = "mount -t tracefs none /sys/kernel/tracing && \
    mount -t debugfs none /sys/kernel/debug && exec \"$@\"";

impl Peer {
    /// Those that can be run; for the others, the reason. `trace` is a file to fill.
    pub(super) fn all(trace: &Path) -> (Vec<Self>, Vec<Skipped>) {
        let (mut found, mut skipped) = (Vec::new(), Vec::new());
        for (name, programs, arguments) in known(trace) {
            let peer = Self::find(name, programs, arguments);
            match peer.and_then(Self::tried) {
                Ok(peer) => found.push(peer),
                Err(error) => skipped.push(Skipped {
                    name,
                    reason: format!("{error:#}"),
                }),
            }
        }
        (found, skipped)
    }

    /// The command that traces until it is interrupted.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", IN_OWN_MOUNTS, "sh"])
            .arg(&self.program)
            .args(&self.arguments)
            .env(SCRIPT_PAGES.0, SCRIPT_PAGES.1);
        command
    }

    /// What it says about itself.
    pub(super) fn found(&self) -> Found {
        let said = Command::new(&self.program).arg("--version").output();
        let said = said.map(|it| it.stdout).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let version = said.lines().next().unwrap_or("of unknown version");
        Found {
            name: self.name,
            version: version.to_owned(),
        }
    }

    fn find(name: &'static str, programs: &[&str], arguments: Vec<String>) -> Result<Self> {
        let folders = folders();
        let mut places = folders.iter().flat_map(|folder| {
            let place = |program: &&str| folder.join(program);
            programs.iter().map(place).collect::<Vec<_>>()
        });
        let program = places.find(|place| place.is_file());
        Ok(Self {
            name,
            program: program.with_context(|| {
                format!(
                    "neither on the PATH nor in the folder {FOLDER} names: {}",
                    programs.join(", ")
                )
            })?,
            arguments,
        })
    }

    /// The peer, if it can attach here.
    fn tried(self) -> Result<Self> {
        Attached::start(self.command(), Sign::Holds)?.stop()?;
        Ok(self)
    }
}

type Known = (&'static str, &'static [&'static str], Vec<String>);

/// Name, names of the program, and how it is told to trace all of the kernel.
fn known(trace: &Path) -> [Known; 3] {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let trace = trace.display().to_string();
    [
        ("memleak", &["memleak", "memleak-libbpf"], words(&["3600"])),
        ("bpftrace", &["bpftrace"], words(&["-e", SCRIPT])),
        (
            "perf kmem",
            &["perf"],
            words(&["kmem", "--page", "record", "-g", "-o", &trace]),
        ),
    ]
}

/// Where programs are looked for. Root's may be missing in the PATH.
fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let path: Vec<_> = env::split_paths(&path).collect();
    let first = env::var_os(FOLDER).map(PathBuf::from);
    let last = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    first.into_iter().chain(path).chain(last).collect()
}

/// Deletes what a peer wrote, which may be much.
pub(super) fn delete(trace: &Path) {
    for suffix in ["", ".old"] {
        let mut name = OsString::from(trace);
        name.push(suffix);
        // There is none unless the peer was perf.
        let _ = fs::remove_file(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_peer_is_named_with_all_its_names() {
        let missing = Peer::find("none", &["no-such-peer", "nor-this"], Vec::new());
        let Err(error) = missing else {
            panic!("there is no such program");
        };
        let error = error.to_string();
        assert!(error.contains("no-such-peer, nor-this"), "{error}");
    }
}
