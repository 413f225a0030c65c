//! One reader, its samples, and what libFuzzer makes of them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::command;

/// Longer than any sample, and short enough for thousands of runs per second.
const MAX_BYTES: u32 = 8192;
/// A reader that needs this long for so little is caught in a loop, on however
/// busy a machine.
const MAX_SECONDS: u32 = 20;
const MAX_MEGABYTES: u32 = 512;

/// A reader that can be fuzzed. Each has a folder of samples, by its name.
pub(super) struct Target {
    name: String,
    samples: PathBuf,
    /// Where what is found goes.
    findings: PathBuf,
}

impl Target {
    /// The targets called `names`, or all of them.
    pub(super) fn named(root: &Path, folder: &Path, names: &[String]) -> Result<Vec<Self>> {
        let all = Self::all(root, folder)?;
        if names.is_empty() {
            return Ok(all);
        }
        if let Some(name) = names
            .iter()
            .find(|name| !all.iter().any(|t| t.name == **name))
        {
            let known: Vec<_> = all.iter().map(Self::name).collect();
            bail!("no target is called {name}: there are {}", known.join(", "));
        }
        let is_named = |target: &Self| names.contains(&target.name);
        Ok(all.into_iter().filter(is_named).collect())
    }

    fn all(root: &Path, folder: &Path) -> Result<Vec<Self>> {
        let corpus = root.join("tests/fuzz/corpus");
        let entries = fs::read_dir(&corpus);
        let mut all = Vec::new();
        for entry in entries.with_context(|| format!("cannot read {}", corpus.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            all.push(Self {
                samples: entry.path(),
                findings: folder.join("findings").join(&name),
                name,
            });
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Feeds the reader for some seconds; says how it went and returns whether it stood.
    pub(super) fn run(&self, program: &Path, seconds: u32, seed: u32) -> Result<bool> {
        let reached = self.findings.join("reached");
        fs::create_dir_all(&reached)
            .with_context(|| format!("cannot make {}", reached.display()))?;
        let log = self.findings.join("log");
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut fuzzer = self.program(program);
        fuzzer
            .arg(format!("-seed={seed}"))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={MAX_BYTES}"))
            .arg(format!("-timeout={MAX_SECONDS}"))
            .arg(format!("-rss_limit_mb={MAX_MEGABYTES}"))
            .arg(format!("-artifact_prefix={}/", self.findings.display()))
            .arg("-print_final_stats=1")
            .args([&reached, &self.samples])
            .stderr(file);
        let status = fuzzer
            .status()
            .with_context(|| format!("cannot run `{}`", command::spelled(&fuzzer)))?;
        let said = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        let said = String::from_utf8_lossy(&said);
        if status.success() {
            println!("{:<12} {}", self.name, summary(&said, seed)?);
        } else {
            println!("{}", last_lines(&said));
            println!("{:<12} failed: {status}, seed {seed}", self.name);
            println!("{:<12} {}", "", self.advice(&said));
        }
        Ok(status.success())
    }

    /// Feeds the reader the one file.
    pub(super) fn replay(&self, program: &Path, file: &Path) -> Result<()> {
        ensure!(file.is_file(), "{} is no file", file.display());
        command::run(self.program(program).arg(file))
    }

    fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("PAGETRACE_FUZZ_TARGET", &self.name);
        command
    }

    /// What to do about a failure.
    fn advice(&self, said: &str) -> String {
        let kept = said
            .lines()
            .find_map(|line| line.split_once("Test unit written to "));
        let Some((_, kept)) = kept else {
            return "libFuzzer kept no file: its account is above".into();
        };
        let name = &self.name;
        format!(
            "replay it with `cargo xtask fuzz {name} --replay {kept}`; \
             once mended, keep the file in tests/fuzz/corpus/{name}"
        )
    }
}

/// The end of a log, where libFuzzer says what went wrong.
fn last_lines(said: &str) -> String {
    const LINES: usize = 60;
    let lines: Vec<_> = said.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

fn summary(said: &str, seed: u32) -> Result<String> {
    let runs = said.lines().find_map(|line| line.strip_prefix("Done "));
    let runs = runs.context("libFuzzer does not say how often it ran")?;
    Ok(format!("{runs}, seed {seed}"))
}
