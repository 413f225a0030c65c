//! The commands that answer at once, timed from start to end.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tempfile::TempDir;

use super::programs::Programs;
use crate::command;

/// Processes beside which `proc` is timed.
const PROCESSES: u64 = 1000;

/// Datagrams in queues beside which `holders` is timed.
pub(super) const DATAGRAMS: u64 = 90_000;

/// How often each of them is in the snapshots that are compared, with other command lines.
const COPIES: u64 = 10;

/// Seconds that each took, run by run.
pub(super) struct Answers {
    pub(super) mem: Vec<f64>,
    pub(super) census: Vec<f64>,
    pub(super) pages: Vec<f64>,
    pub(super) holders: Vec<f64>,
    /// Beside [`DATAGRAMS`] in queues, ten to a socket.
    pub(super) holders_of_queues: Vec<f64>,
    pub(super) proc: Vec<f64>,
    pub(super) diff: Vec<f64>,
}

impl Answers {
    /// Runs each so many times.
    pub(super) fn measure(runs: u32, programs: &Programs) -> Result<Self> {
        eprintln!("answers: {runs} of mem, pages, holders, proc and diff");
        let folder = TempDir::new().context("cannot make a temporary folder")?;
        let times = |args: &[&str]| -> Result<Vec<f64>> {
            (0..runs)
                .map(|_| seconds(&programs.pagetrace, args))
                .collect()
        };
        let holders = times(&["holders"])?;
        let datagrams = DATAGRAMS.to_string();
        let queues = ["unix-dgrams", "--count", &datagrams, "--size", "64"];
        let queues = Leak::start(&programs.leak, &queues)?;
        let holders_of_queues = times(&["holders"])?;
        drop(queues);
        let processes = ["processes", "--count", &PROCESSES.to_string()];
        let processes = Leak::start(&programs.leak, &processes)?;
        let proc = times(&["proc"])?;
        let [before, after] = snapshots(&programs.pagetrace, folder.path())?;
        drop(processes);
        Ok(Self {
            mem: times(&["mem"])?,
            census: times(&["mem", "--census"])?,
            pages: times(&["pages"])?,
            holders,
            holders_of_queues,
            proc,
            diff: times(&["diff", &before, &after])?,
        })
    }
}

fn seconds(program: &Path, args: &[&str]) -> Result<f64> {
    let mut command = Command::new(program);
    let started = Instant::now();
    command::run(command.args(args).stdout(Stdio::null()))?;
    Ok(started.elapsed().as_secs_f64())
}

/// Two snapshots of this machine with ten times the processes that it has; in the second each has
/// a page more.
fn snapshots(program: &Path, folder: &Path) -> Result<[String; 2]> {
    let taken = text(&folder.join("taken"))?;
    command::run(Command::new(program).args(["snapshot", "-o", &taken]))?;
    let mut read = Command::new(program);
    let json = command::output(read.args(["mem", "--from", &taken, "--json", "-"]))?;
    let document: Value = serde_json::from_str(&json).context("mem wrote no JSON")?;
    let write = |more: u64| {
        let mut snapshot = document["snapshot"].clone();
        multiply(&mut snapshot["processes"]["processes"], more)?;
        let path = text(&folder.join(format!("{more}.json")))?;
        fs::write(&path, snapshot.to_string()).with_context(|| format!("cannot write {path}"))?;
        anyhow::Ok(path)
    };
    Ok([write(0)?, write(4096)?])
}

/// Each process with as many command lines, and so many bytes more of anonymous memory.
fn multiply(processes: &mut Value, more: u64) -> Result<()> {
    let list = processes.as_array_mut();
    let list = list.context("the snapshot has no processes")?;
    let copies = list.iter().flat_map(|process| {
        (0..COPIES).map(move |copy| {
            let mut process = process.clone();
            let bytes = process["anonymous_bytes"].as_u64().unwrap_or(0) + more;
            process["anonymous_bytes"] = bytes.into();
            process["command_line"] =
                serde_json::json!([process["pid"].to_string(), copy.to_string()]);
            process
        })
    });
    *list = copies.collect();
    Ok(())
}

fn text(path: &Path) -> Result<String> {
    let path = path.to_str().map(str::to_owned);
    path.context("the folder of temporary files has a name that is not UTF-8")
}

/// What is there until this is dropped.
struct Leak(Child);

impl Leak {
    fn start(leak: &Path, args: &[&str]) -> Result<Self> {
        let mut command = Command::new(leak);
        command.args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start leak")?;
        let stdout = child.stdout.take().context("leak has no stdout")?;
        let leak = Self(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(leak)
    }
}

impl Drop for Leak {
    fn drop(&mut self) {
        // Its children end with it. Fails only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_process_is_there_ten_times_with_command_lines_of_its_own() {
        let mut processes = json!([
            {"pid": 1, "anonymous_bytes": 5}, {"pid": 2, "anonymous_bytes": null},
        ]);
        multiply(&mut processes, 4096).expect("a list");
        let list = processes.as_array().expect("a list");
        let mut lines: Vec<_> = list
            .iter()
            .map(|it| it["command_line"].to_string())
            .collect();
        lines.sort();
        lines.dedup();
        assert_eq!(lines.len(), 20);
        assert_eq!(list[0]["anonymous_bytes"], 4101);
    }
}
