//! The machine that figures are measured on.

use std::fs;
use std::thread;

use anyhow::{Context as _, Result};

/// Processors, memory and kernel, in one line.
pub(super) fn describe() -> Result<String> {
    let processors = thread::available_parallelism().context("cannot count the processors")?;
    let read = |path| fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let model = field(&read("/proc/cpuinfo")?, "model name");
    let memory = field(&read("/proc/meminfo")?, "MemTotal");
    let kernel = read("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{processors} x {model}, {memory} of memory, kernel {}",
        kernel.trim_end()
    ))
}

/// The value of the first `name: value` line.
fn field(text: &str, name: &str) -> String {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    let found = pairs.find(|(field, _)| field.trim_end() == name);
    found
        .map_or("unknown", |(_, value)| value.trim())
        .to_owned()
}
