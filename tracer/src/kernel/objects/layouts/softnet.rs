//! Packets that wait on a CPU to be freed.

use anyhow::{Context as _, Result};

use super::members;
use crate::kernel::btf::Btf;

/// `struct softnet_data`, from the run queue of its CPU.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct SoftnetLayout {
    /// Where a task points to its queue of runnable tasks (`CONFIG_FAIR_GROUP_SCHED`), and that to the
    /// CPU's.
    pub(in crate::kernel::objects) task_queue: u64,
    pub(in crate::kernel::objects) run_queue: u64,
    /// How far per-CPU data of the network lie behind the run queue, both per-CPU variables.
    pub(in crate::kernel::objects) distance: u64,
    pub(in crate::kernel::objects) cpu: u64,
    pub(in crate::kernel::objects) deferred: u64,
    pub(in crate::kernel::objects) run_queue_cpu: u64,
}

impl SoftnetLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let softnet = members(btf, "softnet_data");
        let deferred = softnet.at("defer_list");
        let (run_queue, network) = ("runqueues", "softnet_data");
        let per_cpu = |name| btf.per_cpu_offset(name).map(u64::from);
        Ok(Self {
            deferred: deferred.context("Linux 6.18 moved the list")?,
            cpu: softnet.at("cpu")?,
            task_queue: members(btf, "task_struct").at("se")?
                + members(btf, "sched_entity").at("cfs_rq")?,
            run_queue: members(btf, "cfs_rq").at("rq")?,
            run_queue_cpu: members(btf, "rq").at("cpu")?,
            distance: per_cpu(network)?.wrapping_sub(per_cpu(run_queue)?),
        })
    }
}
