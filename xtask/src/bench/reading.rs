//! What the helper program `bpf_stats` reads.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::programs::Programs;
use crate::command;

/// The BPF programs of a process while a command ran.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Reading {
    /// Bytes that the maps of the process take.
    pub(super) map_bytes: u64,
    seconds: f64,
    programs: BTreeMap<String, Runs>,
    templates: Option<Unwound>,
}

#[derive(Debug, Default, Deserialize)]
struct Runs {
    runs: u64,
    nanoseconds: u64,
}

#[derive(Debug, Deserialize)]
struct Unwound {
    hits: u64,
    misses: u64,
}

impl Reading {
    /// Reads the programs of the process `pid` while `load` runs, or as they are.
    pub(super) fn take(programs: &Programs, pid: u32, load: Option<&Command>) -> Result<Self> {
        let mut bpf_stats = Command::new(&programs.bpf_stats);
        bpf_stats.args(["read", "--pid", &pid.to_string()]);
        if let Some(load) = load {
            bpf_stats
                .arg("--")
                .arg(load.get_program())
                .args(load.get_args());
        }
        let text = command::output(&mut bpf_stats)?;
        serde_json::from_str(&text).with_context(|| format!("bpf_stats said `{text}`"))
    }

    /// Nanoseconds of an allocation, on average.
    pub(super) fn allocation(&self) -> Option<f64> {
        self.mean("page_alloc")
    }

    /// Nanoseconds of a free, on average.
    pub(super) fn free(&self) -> Option<f64> {
        self.mean("page_free")
    }

    /// Events in a second.
    pub(super) fn rate(&self) -> Option<f64> {
        let runs: u64 = self.programs.values().map(|program| program.runs).sum();
        (self.seconds > 0.0).then(|| runs as f64 / self.seconds)
    }

    /// Of 100 stacks, how many were unwound by templates.
    pub(super) fn hits(&self) -> Option<f64> {
        let Unwound { hits, misses } = self.templates.as_ref()?;
        let all = hits + misses;
        (all > 0).then(|| *hits as f64 * 100.0 / all as f64)
    }

    /// Of programs whose names begin so: pagetrace has one for each kind of tracepoint.
    fn mean(&self, name: &str) -> Option<f64> {
        let mut programs = self.programs.iter();
        let (_, program) = programs.find(|(known, _)| known.starts_with(name))?;
        (program.runs > 0).then(|| program.nanoseconds as f64 / program.runs as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_gives_means() {
        let text = r#"{"map_bytes":4096,"seconds":0.5,"templates":{"hits":3,"misses":1},"programs":{
            "page_alloc":{"runs":10,"nanoseconds":900},"page_free_class":{"runs":5,"nanoseconds":100}}}"#;
        let reading: Reading = serde_json::from_str(text).expect("what bpf_stats prints");
        assert_eq!(reading.allocation(), Some(90.0));
        assert_eq!(reading.free(), Some(20.0));
        assert_eq!(reading.rate(), Some(30.0));
        assert_eq!(reading.hits(), Some(75.0));
    }

    #[test]
    fn what_did_not_run_has_no_mean() {
        let reading = Reading::default();
        assert_eq!(reading.allocation(), None);
        assert_eq!(reading.hits(), None);
    }
}
