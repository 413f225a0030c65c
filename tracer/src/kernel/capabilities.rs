//! `/proc/self/status`: what this process may do.

/// `CAP_SYS_ADMIN`: page frame numbers in pagemap, private mounts, and BPF.
pub const SYS_ADMIN: u32 = 21;
/// `CAP_SYSLOG`: kernel addresses.
pub const SYSLOG: u32 = 34;

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

    /// Whether BPF programs may be loaded and page frames be seen. `CAP_BPF` and
    /// `CAP_PERFMON` (since Linux 5.8) are enough for the first only.
    pub const fn may_trace(self) -> bool {
        self.has(SYS_ADMIN)
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
    fn bpf_and_perfmon_do_not_see_page_frames() {
        let held = Capabilities::from_status("CapEff:\t000000c000000000\n");
        assert!(held.has(39) && held.has(38) && !held.may_trace());
    }

    #[test]
    fn no_line_means_no_capability() {
        assert!(!Capabilities::from_status("").may_trace());
    }
}
