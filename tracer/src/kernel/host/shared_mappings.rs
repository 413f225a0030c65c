//! Which processes have sockets and rings mapped: these live on when their descriptor is closed.

use std::fs;

use super::processes::process_ids;
use crate::kernel::{
    maps::{self, Mapping},
    ring_mappings::RingKind,
};

/// A mapping of a socket or a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharedMapping {
    /// The process that has it.
    pub pid: u32,
    /// The inode of what is mapped.
    pub inode: u64,
}

/// Those of all processes that this user may look into.
pub fn shared_mappings() -> Vec<SharedMapping> {
    let mut found = Vec::new();
    for pid in process_ids().unwrap_or_default() {
        let Ok(maps) = fs::read(format!("/proc/{pid}/maps")) else {
            continue;
        };
        let shared = maps::mappings(&maps).filter(is_shared);
        found.extend(shared.map(|it| SharedMapping {
            pid,
            inode: it.inode,
        }));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn is_shared(mapping: &Mapping<'_>) -> bool {
    let path = str::from_utf8(mapping.path).unwrap_or_default();
    path.starts_with("socket:[") || RingKind::of(path).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_rings_are_found_by_their_inode() {
        let maps = "\
7f5be7500000-7f5be7501000 rw-p 00000000 00:00 0 
7f5be7600000-7f5be7701000 rw-s 00000000 00:09 4711                       socket:[4711]
7f5be7800000-7f5be7801000 rw-s 10000000 00:0f 1058                       anon_inode:[io_uring]
7f5be7900000-7f5be7901000 r-xp 00000000 fe:00 99                         /usr/bin/true
";
        let shared = maps::mappings(maps.as_bytes()).filter(is_shared);
        let inodes: Vec<_> = shared.map(|it| it.inode).collect();
        assert_eq!(inodes, [4711, 1058]);
    }
}
