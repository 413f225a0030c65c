//! What the descriptors of all processes refer to, in one pass over `/proc/PID/fd`.
//!
//! The pass is shared: each [`Visitor`] takes what it wants of it. A process that ends meanwhile
//! is left out. The threads of a process share its descriptors, unless they said otherwise
//! (`unshare(CLONE_FILES)`); those are not seen.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use rustix::{
    fs::{Mode, OFlags, RawDir, readlinkat_raw},
    io::Errno,
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};

use crate::model::{Feature, Limitation};

/// Takes part in a pass.
pub trait Visitor {
    /// Called once for each process, before its descriptors.
    fn process(&mut self, _process: &Process) {}

    /// Called for each of its descriptors.
    fn descriptor(&mut self, descriptor: &Descriptor<'_>);
}

/// A process of the pass.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    folder: PathBuf,
}

/// A descriptor of a process.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a> {
    /// Whose it is.
    pub process: &'a Process,
    /// Its number.
    pub number: u32,
    /// What it refers to, as the kernel names it: a path, or `socket:[4711]`.
    pub target: &'a OsStr,
}

/// How far a pass came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Processes that there were.
    pub processes: u64,
    /// Those whose descriptors this user may not see.
    pub hidden: u64,
}

/// Shows every descriptor of every process to all visitors; an error if `/proc` cannot be read.
pub fn pass(visitors: &mut [&mut dyn Visitor]) -> Result<Pass> {
    pass_over(Path::new("/proc"), visitors)
}

/// What a pass has not seen; none if it has seen all.
pub(super) fn passed(pass: Result<Pass>) -> Option<Limitation> {
    match pass {
        Ok(Pass { hidden: 0, .. }) => None,
        Ok(Pass { processes, hidden }) => {
            let reason = format!("those of {hidden} of {processes} processes are hidden");
            let limitation = Feature::Descriptors.degraded(reason);
            Some(limitation.remedied("run it as root"))
        }
        Err(error) => Some(Feature::Descriptors.degraded(format!("{error:#}"))),
    }
}

fn pass_over(proc: &Path, visitors: &mut [&mut dyn Visitor]) -> Result<Pass> {
    let mut pass = Pass::default();
    let cannot = || format!("cannot list {}", proc.display());
    for entry in fs::read_dir(proc).with_context(cannot)? {
        let name = entry.with_context(cannot)?.file_name();
        let Some(pid) = number(name.as_bytes()) else {
            continue;
        };
        let folder = proc.join(name);
        match visit(&Process { pid, folder }, visitors) {
            Ok(()) => pass.processes += 1,
            Err(Errno::ACCESS | Errno::PERM) => {
                pass.processes += 1;
                pass.hidden += 1;
            }
            // It has ended.
            Err(_) => {}
        }
    }
    Ok(pass)
}

fn visit(process: &Process, visitors: &mut [&mut dyn Visitor]) -> Result<(), Errno> {
    for visitor in &mut *visitors {
        visitor.process(process);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(process.folder.join("fd"), flags, Mode::empty())?;
    let mut names = [MaybeUninit::uninit(); 8192];
    let mut entries = RawDir::new(&folder, &mut names);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if let Some(number) = number(entry.file_name().to_bytes()) {
            show(process, &folder, number, entry.file_name(), visitors);
        }
    }
    Ok(())
}

fn show(
    process: &Process,
    folder: &OwnedFd,
    number: u32,
    name: &std::ffi::CStr,
    visitors: &mut [&mut dyn Visitor],
) {
    // PATH_MAX: no link is longer.
    let mut target = [MaybeUninit::uninit(); 4096];
    // It may have been closed meanwhile.
    let Ok((target, _)) = readlinkat_raw(folder, name, &mut target) else {
        return;
    };
    let descriptor = Descriptor {
        process,
        number,
        target: OsStr::from_bytes(target),
    };
    for visitor in visitors {
        visitor.descriptor(&descriptor);
    }
}

fn number(name: &[u8]) -> Option<u32> {
    str::from_utf8(name).ok()?.parse().ok()
}

impl Process {
    /// A file in its folder of `/proc`, to be opened.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A file in its folder of `/proc`, opened.
    ///
    /// # Errors
    ///
    /// If the process has ended, or is of another user.
    pub fn open(&self, name: &str) -> io::Result<File> {
        File::open(self.path(name))
    }
}

impl Descriptor<'_> {
    /// The inode in a target like `socket:[4711]`, for this kind of file.
    pub fn inode(&self, kind: &str) -> Option<u64> {
        let target = self.target.to_str()?.strip_prefix(kind)?;
        target.strip_prefix(":[")?.strip_suffix(']')?.parse().ok()
    }

    /// What the kernel says about it (`/proc/PID/fdinfo/N`).
    ///
    /// # Errors
    ///
    /// If it was closed meanwhile, or its process is of another user.
    pub fn info(&self) -> io::Result<String> {
        fs::read_to_string(self.process.path(&format!("fdinfo/{}", self.number)))
    }

    /// Where the file can be opened, as far as files of its kind can.
    pub fn path(&self) -> PathBuf {
        self.process.path(&format!("fd/{}", self.number))
    }
}

/// A duplicate of another process's descriptor (Linux 5.6 and later). To open `/proc/PID/fd/N`
/// instead would make a pipe's new reader or writer, for which others may wait; this changes
/// nothing.
pub(super) fn duplicate(pid: u32, number: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(pid.try_into().ok()?)?;
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let number = number.try_into().ok()?;
    pidfd_getfd(process, number, PidfdGetfdFlags::empty()).ok()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, os::fd::AsRawFd as _, os::unix::fs::symlink};

    use super::*;

    #[derive(Default)]
    struct Seen {
        processes: Vec<u32>,
        targets: BTreeMap<(u32, u32), String>,
        inodes: Vec<u64>,
    }

    impl Visitor for Seen {
        fn process(&mut self, process: &Process) {
            self.processes.push(process.pid);
        }

        fn descriptor(&mut self, descriptor: &Descriptor<'_>) {
            let key = (descriptor.process.pid, descriptor.number);
            let target = descriptor.target.to_string_lossy().into_owned();
            self.targets.insert(key, target);
            self.inodes.extend(descriptor.inode("socket"));
        }
    }

    #[test]
    fn an_own_file_is_seen() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut seen = Seen::default();
        let pass = pass(&mut [&mut seen]).expect("there is a /proc");
        let number = file.as_file().as_raw_fd().cast_unsigned();
        let target = seen.targets.get(&(std::process::id(), number));
        assert_eq!(target.map(String::as_str), file.path().to_str());
        assert!(pass.processes >= 1 && pass.hidden <= pass.processes);
    }

    #[test]
    fn two_visitors_share_a_pass_and_a_process_without_descriptors_is_left_out() {
        let proc = tempfile::tempdir().expect("a folder");
        for pid in ["7", "8", "self"] {
            fs::create_dir(proc.path().join(pid)).expect("a folder");
        }
        let descriptors = proc.path().join("7/fd");
        fs::create_dir(&descriptors).expect("a folder");
        for (number, target) in [("3", "socket:[99]"), ("4", "socket:[x"), ("x", "pipe:[1]")] {
            symlink(target, descriptors.join(number)).expect("a link");
        }
        let (mut first, mut second) = (Seen::default(), Seen::default());
        let pass = pass_over(proc.path(), &mut [&mut first, &mut second]).expect("a folder");
        assert_eq!((pass.processes, pass.hidden), (1, 0));
        assert_eq!(first.inodes, [99]);
        assert_eq!(first.targets, second.targets);
        assert_eq!(first.targets.len(), 2);
    }
}
