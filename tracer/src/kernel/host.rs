//! The machine pagetrace runs on: the paths of all the texts, in one place.

use std::{
    fs::{self, File},
    io::{BufReader, Read as _},
};

use anyhow::{Context as _, Result};

use super::{
    capabilities::Capabilities,
    kallsyms::Kallsyms,
    meminfo,
    notes::{self, BuildId},
    zoneinfo,
};

/// Where the kernel describes its types.
pub const BTF: &str = "/sys/kernel/btf/vmlinux";

/// Where the kernel lists its symbols.
pub const KALLSYMS: &str = "/proc/kallsyms";

/// The facts about a machine that a report needs.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Host {
    /// Kernel release, as `uname -r` prints it.
    pub kernel: String,
    /// Machine architecture, as `uname -m` prints it.
    pub arch: String,
    /// CPUs online.
    pub cpus: usize,
    /// Bytes per page.
    pub page_size: u64,
    /// `MemTotal`, in bytes.
    pub mem_total_bytes: u64,
}

impl Host {
    /// The running machine.
    pub fn running() -> Result<Self> {
        let uname = rustix::system::uname();
        Ok(Self {
            kernel: uname.release().to_string_lossy().into_owned(),
            arch: uname.machine().to_string_lossy().into_owned(),
            cpus: online_cpus(&read("/proc/stat")?),
            page_size: rustix::param::page_size() as u64,
            mem_total_bytes: meminfo_bytes("MemTotal")?,
        })
    }
}

/// One line of the running kernel's `/proc/meminfo`, in bytes.
pub fn meminfo_bytes(name: &str) -> Result<u64> {
    meminfo::bytes(&read("/proc/meminfo")?, name)
        .with_context(|| format!("/proc/meminfo has no readable line {name}"))
}

/// Number of page frames up to the highest one that exists.
pub fn frames() -> Result<u64> {
    zoneinfo::frames(BufReader::new(open("/proc/zoneinfo")?))
}

/// What this process may do.
pub fn capabilities() -> Result<Capabilities> {
    Ok(Capabilities::from_status(&read("/proc/self/status")?))
}

/// The running kernel's symbols.
pub fn kallsyms() -> Result<Kallsyms> {
    Kallsyms::read(BufReader::new(open(KALLSYMS)?))
}

/// Whether the kernel shows its addresses to this process; the first symbols tell.
pub fn kallsyms_readable() -> Result<bool> {
    let beginning = open(KALLSYMS)?.take(16 * 1024);
    Ok(Kallsyms::read(BufReader::new(beginning))?.readable())
}

/// Build id of the running kernel; none if it was built without.
pub fn build_id() -> Option<BuildId> {
    notes::build_id(&fs::read("/sys/kernel/notes").ok()?)
}

/// The running kernel's BTF blob.
pub fn btf() -> Result<Vec<u8>> {
    fs::read(BTF).with_context(|| {
        format!("cannot read {BTF}: pagetrace needs a kernel built with CONFIG_DEBUG_INFO_BTF")
    })
}

/// CPUs online: `/proc/stat` has a line `cpuN` for each, below the total `cpu`.
fn online_cpus(stat: &str) -> usize {
    let lines = stat.lines().filter_map(|line| line.strip_prefix("cpu"));
    lines
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        .count()
}

fn open(path: &str) -> Result<File> {
    File::open(path).with_context(|| format!("cannot open {path}"))
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_total_is_not_a_cpu() {
        assert_eq!(super::online_cpus("cpu  1 2\ncpu0 1\ncpu3 1\nintr 7\n"), 2);
    }
}
