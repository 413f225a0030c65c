//! The memory control groups of processes.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    kernel::{host, memcg::Memcg},
    model::{MemoryCgroup, Process},
};

/// Those that the processes are in. Of one that this process cannot see only the path is known.
pub fn memory_cgroups(processes: &[Process]) -> Vec<MemoryCgroup> {
    let mounts = host::read("/proc/self/mountinfo").unwrap_or_default();
    let paths: BTreeSet<_> = processes
        .iter()
        .filter_map(|it| it.cgroup.as_deref())
        .collect();
    paths.into_iter().map(|path| state(path, &mounts)).collect()
}

fn state(path: &str, mounts: &str) -> MemoryCgroup {
    let unseen = MemoryCgroup {
        path: path.to_owned(),
        ..MemoryCgroup::default()
    };
    // Version 1 where memory is mounted there, as `memcg::path` prefers it, too.
    let group = Memcg::find(&format!("1:memory:{path}\n0::{path}\n"), mounts);
    let read = |path: &Path| fs::read_to_string(path).ok();
    group.map_or(unseen, |it| MemoryCgroup {
        reclaim: it.reclaim(Path::exists, read),
        ..it.state(read)
    })
}
