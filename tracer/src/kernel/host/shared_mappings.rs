//! Which processes have sockets and rings mapped: these live on when their descriptor is closed.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
};

use super::processes::process_ids;

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
        let Ok(maps) = File::open(format!("/proc/{pid}/maps")) else {
            continue;
        };
        let lines = BufReader::new(maps).lines().map_while(Result::ok);
        let inodes = lines.filter_map(|line| inode(&line));
        found.extend(inodes.map(|inode| SharedMapping { pid, inode }));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The inode of a mapped socket or ring: `7f…-7f… rw-s 00000000 00:09 4711   socket:[4711]`.
fn inode(line: &str) -> Option<u64> {
    let mut words = line.split_ascii_whitespace();
    let inode = words.nth(4)?.parse().ok()?;
    let path = words.next()?;
    let is_shared = path.starts_with("socket:[")
        || ["anon_inode:[perf_event]", "anon_inode:[io_uring]"].contains(&path);
    is_shared.then_some(inode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_rings_are_found_by_their_inode() {
        let line =
            |path: &str| format!("7f5be7600000-7f5be7701000 rw-s 00000000 00:09 4711  {path}");
        assert_eq!(inode(&line("socket:[4711]")), Some(4711));
        assert_eq!(inode(&line("anon_inode:[io_uring]")), Some(4711));
        assert_eq!(inode(&line("/usr/bin/true")), None);
        assert_eq!(
            inode("7f5be7600000-7f5be7701000 rw-p 00000000 00:00 0"),
            None
        );
    }
}
