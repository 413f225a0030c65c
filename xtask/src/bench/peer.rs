//! The peers: other tracers of page allocations, as far as this machine has them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::attached::{Attached, Sign};

/// Another tracer.
pub(super) struct Peer {
    pub(super) name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
}

/// Where to look first.
const FOLDER: &str = "PAGETRACE_BENCH_PEERS";

/// All allocations that are not freed, with their stack: what pagetrace does, too.
pub(super) const SCRIPT: &str = "tracepoint:kmem:mm_page_alloc { @s[args->pfn] = kstack(32); } \
    tracepoint:kmem:mm_page_free { delete(@s[args->pfn]); }";
/// How many pages the script can hold at once.
const SCRIPT_PAGES: (&str, &str) = ("BPFTRACE_MAX_MAP_KEYS", "1000000");

impl Peer {
    /// Those that can be run, and for each of all of them its version or why not, in a
    /// sentence. `trace` is a file to fill.
    pub(super) fn all(trace: &Path) -> (Vec<Self>, Vec<String>) {
        let (mut found, mut remarks) = (Vec::new(), Vec::new());
        for (name, programs, arguments) in known(trace) {
            match Self::find(name, programs, arguments).and_then(Self::tried) {
                Ok(peer) => {
                    remarks.push(format!("Peer {name}: {}", peer.version()));
                    found.push(peer);
                }
                Err(error) => remarks.push(format!("SKIPPED {name}: {error:#}")),
            }
        }
        (found, remarks)
    }

    /// The command that traces until it is interrupted. None of the peers finds its
    /// tracepoints without tracefs and debugfs.
    pub(super) fn command(&self) -> Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        command
            .arg("mounted")
            .arg(&self.program)
            .args(&self.arguments)
            .env(SCRIPT_PAGES.0, SCRIPT_PAGES.1);
        Ok(command)
    }

    /// What it says about itself.
    fn version(&self) -> String {
        let said = Command::new(&self.program).arg("--version").output();
        let said = said.map(|it| it.stdout).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        said.lines()
            .next()
            .unwrap_or("of unknown version")
            .to_owned()
    }

    fn find(name: &'static str, programs: &[&str], arguments: Vec<String>) -> Result<Self> {
        let folders = folders();
        let mut places = folders
            .iter()
            .flat_map(|folder| programs.iter().map(|program| folder.join(program)));
        let program = places.find(|place| place.is_file());
        Ok(Self {
            name,
            program: program.with_context(|| {
                let programs = programs.join(", ");
                format!("neither on the PATH nor in the folder {FOLDER} names: {programs}")
            })?,
            arguments,
        })
    }

    /// The peer, if it can attach here.
    fn tried(self) -> Result<Self> {
        Attached::start(self.command()?, Sign::Holds)?.stop()?;
        Ok(self)
    }
}

type Known = (&'static str, &'static [&'static str], Vec<String>);

/// Name, names of the program, and how it is told to trace all of the kernel.
fn known(trace: &Path) -> [Known; 3] {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let trace = trace.display().to_string();
    let perf = ["kmem", "--page", "record", "-g", "-o", &trace];
    [
        ("memleak", &["memleak", "memleak-libbpf"], words(&["3600"])),
        ("bpftrace", &["bpftrace"], words(&["-e", SCRIPT])),
        ("perf kmem", &["perf"], words(&perf)),
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

/// Deletes what a peer wrote, which may be much. There is none unless the peer was perf.
pub(super) fn delete(trace: &Path) {
    for file in [trace.to_owned(), trace.with_extension("old")] {
        let _ = fs::remove_file(file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_peer_is_named_with_all_its_names() {
        let missing = Peer::find("none", &["no-such-peer", "nor-this"], Vec::new());
        let error = missing.err().expect("there is no such program").to_string();
        assert!(error.contains("no-such-peer, nor-this"), "{error}");
    }
}
