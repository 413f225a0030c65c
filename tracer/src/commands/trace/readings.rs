//! What tells something only if it is read twice: before the window and after it.

use std::{collections::BTreeMap, time::Duration};

use rustix::time::{ClockId, clock_gettime};

use crate::{
    kernel::host,
    model::{Meminfo, Seconds},
};

/// What was read at one moment.
#[derive(Clone, Debug)]
pub(in super::super) struct Readings {
    /// CPU time of this process so far.
    cpu_time: Option<Duration>,
    /// The lines of `/proc/meminfo`, in bytes.
    meminfo: Option<BTreeMap<String, u64>>,
}

impl Readings {
    pub(in super::super) fn now() -> Self {
        Self {
            cpu_time: clock_gettime(ClockId::ProcessCPUTime).try_into().ok(),
            meminfo: host::meminfo().ok(),
        }
    }

    /// CPU time of this process from then to now.
    pub(in super::super) fn cpu_time_since(&self, then: &Self) -> Option<Seconds> {
        Some(self.cpu_time?.checked_sub(then.cpu_time?)?.into())
    }

    /// The kernel's counters, then and now.
    pub(in super::super) fn meminfo_since(self, then: Self) -> Option<Meminfo> {
        Some(Meminfo {
            started: then.meminfo?,
            ended: self.meminfo?,
        })
    }
}
