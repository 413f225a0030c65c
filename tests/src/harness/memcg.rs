//! Memcgs, made for a test.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{self, Command},
};

use super::{Pagetrace, Running, eventually};

/// A memcg with a limit. It counts the BPF maps of its processes too (from Linux 5.11
/// on). Dropping it removes it.
pub struct Memcg {
    /// The limit.
    pub bytes: u64,
    folder: PathBuf,
}

impl Memcg {
    /// A memcg with that limit. None if this machine has none.
    pub fn with_limit(bytes: u64) -> Option<Self> {
        let (root, limit) = version_1().or_else(version_2)?;
        let folder = root.join(format!("pagetrace-test-{}", process::id()));
        fs::create_dir(&folder).expect("root may make a cgroup");
        fs::write(folder.join(limit), bytes.to_string()).expect("our own cgroup");
        Some(Self { bytes, folder })
    }

    /// The name of its folder.
    pub fn name(&self) -> String {
        let name = self.folder.file_name().expect("it is not the root");
        name.to_string_lossy().into_owned()
    }

    /// Whether it has a file of that name, which depends on the version and on the kernel.
    pub fn has(&self, file: &str) -> bool {
        self.folder.join(file).exists()
    }

    /// Has its processes keep out of swap: they are killed as soon as they reach the limit.
    pub fn without_swap(self) -> Self {
        for (file, value) in [("memory.swappiness", "0"), ("memory.swap.max", "0")] {
            // Each version has one of them, or none without swap.
            let _ = fs::write(self.folder.join(file), value);
        }
        self
    }

    /// Puts the command into it before it starts.
    pub fn put(&self, command: &mut Command) {
        let mut members = self.members();
        // SAFETY: one system call on a file opened before the fork.
        unsafe { command.pre_exec(move || members.write_all(b"0")) };
    }

    fn members(&self) -> File {
        let members = self.folder.join("cgroup.procs");
        let file = OpenOptions::new().write(true).open(members);
        file.expect("our own cgroup")
    }
}

impl Drop for Memcg {
    fn drop(&mut self) {
        // A process can be waited for shortly before it has left its memcg.
        eventually("the memcg to be empty", || {
            fs::remove_dir(&self.folder).ok()
        });
    }
}

impl Pagetrace {
    /// Puts it into the memcg before it starts.
    pub fn within(mut self, memcg: &Memcg) -> Self {
        memcg.put(&mut self.command);
        self
    }
}

impl Running {
    /// Bytes of kernel memory in the BPF maps that it holds open.
    pub fn map_bytes(&self) -> u64 {
        let files = fs::read_dir(format!("/proc/{}/fdinfo", self.pid())).expect("our child");
        let texts = files
            .flatten()
            .map(|file| fs::read_to_string(file.path()).unwrap_or_default());
        texts.filter_map(|text| map_bytes(&text)).sum()
    }
}

/// Bytes of one map, by the text about its descriptor.
fn map_bytes(text: &str) -> Option<u64> {
    let field = |name| text.lines().find_map(|line| line.strip_prefix(name));
    field("map_type:")?;
    field("memlock:")?.trim().parse().ok()
}

/// Where memcgs of version 1 are made, and the name of the limit.
fn version_1() -> Option<(PathBuf, &'static str)> {
    let root = Path::new("/sys/fs/cgroup/memory");
    let limit = "memory.limit_in_bytes";
    root.join(limit).exists().then(|| (root.to_owned(), limit))
}

/// As [`version_1`]; here the cgroups below the root must be given the controller.
fn version_2() -> Option<(PathBuf, &'static str)> {
    let root = Path::new("/sys/fs/cgroup");
    fs::write(root.join("cgroup.subtree_control"), "+memory").ok()?;
    Some((root.to_owned(), "memory.max"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_maps_have_map_bytes() {
        let map = "pos:\t0\nmap_type:\t2\nmax_entries:\t1\nmemlock:\t8192\n";
        assert_eq!(map_bytes(map), Some(8192));
        let program = "pos:\t0\nprog_type:\t17\nmemlock:\t4096\n";
        assert_eq!(map_bytes(program), None);
    }
}
