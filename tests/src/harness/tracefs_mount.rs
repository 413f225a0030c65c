//! Machines on which tracefs is mounted as distributions do it, otherwise, or not at all.

use std::{
    ffi::{CStr, CString},
    io,
    os::unix::{ffi::OsStrExt as _, process::CommandExt as _},
};

use rustix::{
    io::Result,
    mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount},
    thread::{UnshareFlags, unshare_unsafe},
};

use super::Pagetrace;

/// Where tracefs is mounted.
#[derive(Clone, Copy, Debug)]
pub enum TracefsMount {
    /// At `/sys/kernel/tracing`, as systemd does it.
    Tracing,
    /// Below debugfs, by whoever looks there: it mounts itself.
    Debug,
    /// At a folder of the administrator's own.
    Elsewhere,
    /// Nowhere.
    Nowhere,
}

impl TracefsMount {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tracing, Self::Debug, Self::Elsewhere, Self::Nowhere];
}

impl Pagetrace {
    /// Shows it tracefs there and nowhere else, in a mount namespace of its own.
    pub fn with_tracefs(mut self, tracefs: TracefsMount) -> Self {
        let folder = self.files.path().as_os_str().as_bytes();
        let elsewhere = CString::new(folder).expect("a path has no zero");
        let arrange = move || {
            // SAFETY: the child has one thread, which is about to become another program.
            unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
            let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
            mount_change(c"/", private)?;
            unmount_all();
            match tracefs {
                TracefsMount::Tracing => mount_at(c"tracefs", c"/sys/kernel/tracing")?,
                TracefsMount::Debug => mount_at(c"debugfs", c"/sys/kernel/debug")?,
                TracefsMount::Elsewhere => mount_at(c"tracefs", &elsewhere)?,
                TracefsMount::Nowhere => {}
            }
            io::Result::Ok(())
        };
        // SAFETY: nothing but system calls on strings made before the fork.
        unsafe { self.command.pre_exec(arrange) };
        self
    }
}

/// Takes away what the machine has mounted, one on top of the other.
fn unmount_all() {
    for point in [
        c"/sys/kernel/debug/tracing",
        c"/sys/kernel/debug",
        c"/sys/kernel/tracing",
    ] {
        while unmount(point, UnmountFlags::DETACH).is_ok() {}
    }
}

fn mount_at(kind: &CStr, point: &CStr) -> Result<()> {
    mount(kind, point, kind, MountFlags::empty(), None)
}
