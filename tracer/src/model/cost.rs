//! What tracing cost the machine.

use serde::{Deserialize, Serialize};

use super::Seconds;

/// What tracing cost. What could not be measured is none, and not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// CPU time that this process took in the window.
    pub process_cpu_seconds: Option<Seconds>,
    /// CPU time of the programs in the kernel; none unless the kernel measures that
    /// (`kernel.bpf_stats_enabled`).
    pub programs: Option<ProgramTime>,
}

/// CPU time of programs, measured by the kernel for some or all of their runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramTime {
    /// Runs that were measured.
    pub runs: u64,
    /// What they took, in nanoseconds.
    pub nanoseconds: u64,
}

impl ProgramTime {
    /// What one run took, in nanoseconds; none if none was measured.
    pub fn mean_nanoseconds(&self) -> Option<f64> {
        (self.runs > 0).then(|| self.nanoseconds as f64 / self.runs as f64)
    }
}
