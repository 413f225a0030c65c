//! `/proc/self/status`: what this process may do.

/// `CAP_SYS_ADMIN`: page frame numbers in pagemap, and BPF before Linux 5.8.
pub const SYS_ADMIN: u32 = 21;
/// `CAP_SYSLOG`: kernel addresses.
pub const SYSLOG: u32 = 34;
/// `CAP_PERFMON`: tracing programs, since Linux 5.8.
pub const PERFMON: u32 = 38;
/// `CAP_BPF`: maps and programs, since Linux 5.8.
pub const BPF: u32 = 39;

/// The effective capability set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Reads the set from the text of a `/proc/*/status`; nothing there means none held.
    pub fn from_status(status: &str) -> Self {
        let hex = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        Self(
            hex.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
                .unwrap_or(0),
        )
    }

    /// Whether the capability with this number is held.
    pub const fn has(self, number: u32) -> bool {
        self.0 >> number & 1 == 1
    }

    /// Whether BPF programs may be loaded and attached to tracepoints.
    pub const fn may_trace(self) -> bool {
        self.has(SYS_ADMIN) || (self.has(BPF) && self.has(PERFMON))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_may_trace() {
        let root = Capabilities::from_status("Name:\tx\nCapEff:\t000001ffffffffff\n");
        assert!(root.may_trace() && root.has(SYSLOG));
    }

    #[test]
    fn bpf_alone_is_not_enough() {
        let bpf = Capabilities::from_status("CapEff:\t0000008000000000\n");
        assert!(bpf.has(BPF) && !bpf.may_trace());
    }

    #[test]
    fn no_line_means_no_capability() {
        assert!(!Capabilities::from_status("").may_trace());
    }
}
