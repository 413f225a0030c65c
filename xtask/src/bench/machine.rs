//! The machine that figures are measured on.

use std::env;
use std::fs;
use std::thread;

use anyhow::{Context as _, Result};

/// Processors, memory and kernel, in one line.
pub(super) fn describe() -> Result<String> {
    let processors = thread::available_parallelism().context("cannot count the processors")?;
    let model = field(&read("/proc/cpuinfo")?, "model name").unwrap_or(env::consts::ARCH.into());
    let memory = field(&read("/proc/meminfo")?, "MemTotal").unwrap_or("unknown".into());
    let kernel = read("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{processors} x {model}, {memory} of memory, kernel {}",
        kernel.trim_end()
    ))
}

/// The value of the first `name: value` line.
fn field(text: &str, name: &str) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = pairs.find(|(field, _)| field.trim_end() == name)?;
    Some(value.trim().to_owned())
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_the_first_of_its_name() {
        let text = "processor\t: 0\nmodel name\t: One @ 2 GHz\n\nmodel name\t: Other\n";
        assert_eq!(field(text, "model name").as_deref(), Some("One @ 2 GHz"));
        assert_eq!(field(text, "model"), None);
    }
}
