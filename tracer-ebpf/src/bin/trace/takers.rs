//! Who takes pages, where call sites with the same stack are told apart by that. Whether they are
//! is known when the programs are loaded, so the kernel removes all of this where nobody asked.

use aya_ebpf::helpers::generated::bpf_get_current_cgroup_id;
use tracer_ebpf::taker;

use crate::{config::CONFIG, filters};

/// Whether takers are told apart.
#[inline(always)]
pub(crate) fn are_told_apart() -> bool {
    CONFIG.get(|it| &it.taker) != taker::ANYBODY
}

/// The task that runs now, as one of the takers that are told apart; 0 if none are. To be asked
/// for once in a run: another CPU may move the task to another cgroup meanwhile.
#[inline(always)]
pub(crate) fn current() -> u64 {
    match CONFIG.get(|it| &it.taker) {
        taker::PROCESS => filters::current_process().into(),
        // SAFETY: the helper takes nothing and gives a number.
        taker::CGROUP => unsafe { bpf_get_current_cgroup_id() },
        _ => 0,
    }
}
