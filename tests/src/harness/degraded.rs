//! Degraded machines: what one process is denied of this one.

use std::{
    collections::BTreeMap,
    ffi::CString,
    fs, io,
    os::{
        fd::RawFd,
        unix::{ffi::OsStrExt as _, process::CommandExt as _},
    },
    path::Path,
};

use libc::c_long;
use rustix::{
    io::close,
    mount::{MountPropagationFlags, mount_bind, mount_change},
    thread::{UnshareFlags, unshare_unsafe},
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use super::Pagetrace;

impl Pagetrace {
    /// Shows it `text` in place of what the kernel says in the file at `path`,
    /// in a mount namespace of its own.
    pub fn seeing(self, path: &str, text: &str) -> Self {
        let shown = self.files.path().join(path.replace('/', "-"));
        fs::write(&shown, text).expect("our temporary folder");
        self.seeing_file(path, &shown)
    }

    /// The same with the file `shown`.
    pub fn seeing_file(mut self, path: &str, shown: &Path) -> Self {
        let shown = CString::new(shown.as_os_str().as_bytes()).expect("a path has no zero");
        let path = CString::new(path).expect("a path has no zero");
        let cover = move || {
            // SAFETY: the child has one thread, which is about to become another program.
            unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
            let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
            mount_change(c"/", private)?;
            Ok(mount_bind(&*shown, &*path)?)
        };
        // SAFETY: nothing but system calls on strings made before the fork.
        unsafe { self.command.pre_exec(cover) };
        self
    }

    /// Starts it with these descriptors closed.
    pub fn without_descriptors(mut self, closed: &[RawFd]) -> Self {
        let closed = closed.to_owned();
        let close_all = move || {
            // SAFETY: nothing but the program to come uses its standard descriptors.
            closed.iter().for_each(|&fd| unsafe { close(fd) });
            Ok(())
        };
        // SAFETY: one system call per descriptor.
        unsafe { self.command.pre_exec(close_all) };
        self
    }

    /// Has it killed, as by SIGKILL, when it makes one of these system calls.
    pub fn killed_at(mut self, calls: &[c_long]) -> Self {
        let rules = calls.iter().map(|&call| (call, Vec::new())).collect();
        let filter = filter(rules, SeccompAction::KillProcess);
        let arm = move || apply_filter(&filter).map_err(io::Error::other);
        // SAFETY: two system calls on a filter made before the fork.
        unsafe { self.command.pre_exec(arm) };
        self
    }

    /// Has its calls of bpf(2) fail with `errno`: those of one command, or all.
    pub fn failing_bpf(mut self, command: Option<u32>, errno: i32) -> Self {
        let filter = bpf_filter(command, errno.cast_unsigned());
        let forbid = move || apply_filter(&filter).map_err(io::Error::other);
        // SAFETY: two system calls on a filter made before the fork.
        unsafe { self.command.pre_exec(forbid) };
        self
    }
}

fn bpf_filter(command: Option<u32>, errno: u32) -> BpfProgram {
    let rule = |command| {
        let is_command = SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Eq,
            u64::from(command),
        );
        SeccompRule::new(vec![is_command.expect("a valid condition")]).expect("a valid rule")
    };
    let rules = BTreeMap::from([(libc::SYS_bpf, command.map(rule).into_iter().collect())]);
    filter(rules, SeccompAction::Errno(errno))
}

fn filter(rules: BTreeMap<c_long, Vec<SeccompRule>>, action: SeccompAction) -> BpfProgram {
    let architecture = TargetArch::try_from(std::env::consts::ARCH).expect("one that is known");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, architecture);
    filter
        .and_then(BpfProgram::try_from)
        .expect("a valid filter")
}
