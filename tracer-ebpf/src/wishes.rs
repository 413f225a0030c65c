//! What the user asked for: whatever it leaves out is left before any work is
//! done for it. All of it is known when the programs are loaded, so the kernel
//! removes the tests that nobody asked for.

use aya_ebpf::helpers::{bpf_get_current_pid_tgid, generated::bpf_get_current_ancestor_cgroup_id};
use tracer_ebpf::NOBODY;

use crate::state;

/// Whether an allocation of this order with these gfp flags, by the task that
/// runs now, is to be recorded.
#[inline(always)]
pub(crate) fn include(order: u32, gfp: u32) -> bool {
    let required = state::GFP_REQUIRED.load();
    order >= state::LEAST_ORDER.load()
        && order <= state::GREATEST_ORDER.load()
        && gfp & required == required
        && gfp & state::GFP_EXCLUDED.load() == 0
        && include_task()
}

/// Whether a page frame is to be recorded.
#[inline(always)]
pub(crate) fn include_frame(frame: u64) -> bool {
    frame >= state::FIRST_FRAME.load() && frame <= state::LAST_FRAME.load()
}

/// Whether the tracer itself is running now.
#[inline(always)]
pub(crate) fn is_own_task() -> bool {
    current_process() == state::OWN_PROCESS.load()
}

/// The process id of the task that runs now: its `tgid`, in the initial namespace.
#[inline(always)]
pub(crate) fn current_process() -> u32 {
    (bpf_get_current_pid_tgid() >> 32) as u32
}

#[inline(always)]
fn include_task() -> bool {
    let process = state::ONLY_PROCESS.load();
    if process != NOBODY && process != current_process() {
        return false;
    }
    let cgroup = state::ONLY_CGROUP.load();
    // SAFETY: the helper takes a number and gives one, 0 if there is no such ancestor.
    cgroup == 0
        || cgroup == unsafe { bpf_get_current_ancestor_cgroup_id(state::CGROUP_LEVEL.load()) }
}
