//! Which allocations are recorded: what a filter leaves out costs no further work.
//! All filters are known when the programs are loaded, so the kernel removes the
//! tests that nobody asked for.

use aya_ebpf::{
    bindings::bpf_pidns_info,
    helpers::{
        bpf_get_current_pid_tgid,
        generated::{bpf_get_current_ancestor_cgroup_id, bpf_get_ns_current_pid_tgid},
    },
};
use tracer_ebpf::{FilterConfig, NOBODY};

use crate::config::CONFIG;

/// Whether an allocation of this order with these gfp flags, by the task that
/// runs now, is to be recorded.
#[inline(always)]
pub(crate) fn include(order: u32, gfp: u32) -> bool {
    let required = filter(|it| &it.gfp_required);
    order >= filter(|it| &it.least_order)
        && order <= filter(|it| &it.greatest_order)
        && gfp & required == required
        && gfp & filter(|it| &it.gfp_excluded) == 0
        && include_task()
}

/// Whether an allocation is of user memory, and that is not to be recorded.
///
/// Not all movable pages are user memory. zsmalloc (zram, zswap) does without I/O, which
/// user memory may wait for; `__GFP_HARDWALL` does not tell them, since with cpusets all
/// pages have it (`prepare_alloc_pages`, mm/page_alloc.c). Balloons are known by a set of
/// flags of their own (`balloon_page_alloc`, mm/balloon_compaction.c).
#[inline(always)]
pub(crate) fn is_skipped_user_memory(migratetype: u32, gfp: u32) -> bool {
    let user = filter(|it| &it.user_memory.gfp);
    migratetype == filter(|it| &it.user_memory.migratetype)
        && gfp & user == user
        && gfp & filter(|it| &it.user_memory.balloon_mask) != filter(|it| &it.user_memory.balloon)
}

/// Whether a page frame is to be recorded.
#[inline(always)]
pub(crate) fn include_frame(frame: u64) -> bool {
    frame >= filter(|it| &it.first_frame) && frame <= filter(|it| &it.last_frame)
}

/// Whether a task of the tracer itself runs now, or an interrupt on top of one.
#[inline(always)]
pub(crate) fn is_own_task() -> bool {
    current_process() == CONFIG.get(|it| &it.own_process)
}

/// The process id of the task that runs now: its `tgid`, in the initial namespace.
#[inline(always)]
pub(crate) fn current_process() -> u32 {
    (bpf_get_current_pid_tgid() >> 32) as u32
}

#[inline(always)]
fn filter<F: Copy>(field: impl FnOnce(&FilterConfig) -> &F) -> F {
    CONFIG.get(|it| field(&it.filters))
}

#[inline(always)]
fn include_task() -> bool {
    let process = filter(|it| &it.process);
    if process != NOBODY && !is_process(process) {
        return false;
    }
    let (cgroup, level) = (filter(|it| &it.cgroup), filter(|it| &it.cgroup_level));
    // SAFETY: the helper takes a number and gives one, 0 if there is no such ancestor.
    cgroup == 0 || cgroup == unsafe { bpf_get_current_ancestor_cgroup_id(level) }
}

/// Whether the task that runs now belongs to a process, by its id in the user's
/// namespace if that is not the initial one.
#[inline(always)]
fn is_process(id: u32) -> bool {
    let inode = filter(|it| &it.namespace_inode);
    if inode == 0 {
        return current_process() == id;
    }
    let device = filter(|it| &it.namespace_device);
    let mut ids = bpf_pidns_info { pid: 0, tgid: 0 };
    let len = size_of::<bpf_pidns_info>() as u32;
    // SAFETY: the helper fills a struct of that length, or fails for a task of another namespace.
    let result = unsafe { bpf_get_ns_current_pid_tgid(device, inode, &raw mut ids, len) };
    result == 0 && ids.tgid == id
}
