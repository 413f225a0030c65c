//! The machine that a report is about.

/// The facts about a machine that a report needs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
