//! Cgroups of version 2, made for a test.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process,
};

use super::eventually;

/// A cgroup. Dropping it removes it; its processes must have ended.
pub struct CgroupV2 {
    folder: PathBuf,
}

impl CgroupV2 {
    /// Makes a cgroup. None where no hierarchy of version 2 is mounted.
    pub fn new(name: &str) -> Option<Self> {
        let root = mount_point(&fs::read_to_string("/proc/mounts").expect("every kernel has it"))?;
        Some(Self::make(
            &root,
            &format!("pagetrace-test-{name}-{}", process::id()),
        ))
    }

    /// Makes a cgroup inside this one.
    pub fn below(&self, name: &str) -> Self {
        Self::make(&self.folder, name)
    }

    fn make(parent: &Path, name: &str) -> Self {
        let folder = parent.join(name);
        fs::create_dir(&folder).expect("root may make a cgroup");
        Self { folder }
    }

    /// Where it lies.
    pub fn path(&self) -> &str {
        self.folder.to_str().expect("a UTF-8 path")
    }

    /// Its id.
    pub fn id(&self) -> u64 {
        fs::metadata(&self.folder).expect("our own cgroup").ino()
    }

    /// Moves the process that calls what this gives into the cgroup.
    pub fn enter(&self) -> impl FnMut() -> io::Result<()> + use<> {
        let members = self.folder.join("cgroup.procs");
        let file = OpenOptions::new().write(true).open(members);
        let mut file = file.expect("our own cgroup");
        move || file.write_all(b"0")
    }
}

impl Drop for CgroupV2 {
    fn drop(&mut self) {
        // A process can be waited for shortly before it has left its cgroup.
        eventually("the cgroup to be empty", || {
            fs::remove_dir(&self.folder).ok()
        });
    }
}

/// Where a line such as `cgroup2 /sys/fs/cgroup cgroup2 rw 0 0` mounts it.
fn mount_point(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let point = fields.next()?;
        (fields.next()? == "cgroup2").then(|| point.into())
    })
}
