//! Users who may do less than root, or seem to be it.

use std::{ffi::CStr, io, os::unix::process::CommandExt as _};

use rustix::{
    fs::{Mode, OFlags, open},
    io::write,
    thread::{
        CapabilitySet, CapabilitySets, Gid, Uid, UnshareFlags, configure_capability_in_ambient_set,
        set_capabilities, set_keep_capabilities, set_thread_gid, set_thread_groups, set_thread_uid,
        unshare_unsafe,
    },
};

use super::{Pagetrace, pagetrace::NOBODY};

impl Pagetrace {
    /// As [`as_nobody`](Self::as_nobody), by a user with this capability and no other; needs root.
    pub fn as_nobody_with(capability: CapabilitySet, args: &[&str]) -> Self {
        let mut pagetrace = Self::for_everybody(args);
        let become_nobody = move || become_nobody_with(capability);
        // SAFETY: nothing but system calls.
        unsafe { pagetrace.command.pre_exec(become_nobody) };
        pagetrace
    }

    /// Makes it root of a user namespace of its own, as in a container; needs root.
    pub fn in_user_namespace(mut self) -> Self {
        // SAFETY: nothing but system calls.
        unsafe { self.command.pre_exec(enter_user_namespace) };
        self
    }
}

fn become_nobody_with(capability: CapabilitySet) -> io::Result<()> {
    set_keep_capabilities(true)?;
    set_thread_groups(&[])?;
    set_thread_gid(Gid::from_raw(NOBODY))?;
    set_thread_uid(Uid::from_raw(NOBODY))?;
    let sets = CapabilitySets {
        effective: capability,
        permitted: capability,
        inheritable: capability,
    };
    set_capabilities(None, sets)?;
    Ok(configure_capability_in_ambient_set(capability, true)?)
}

fn enter_user_namespace() -> io::Result<()> {
    // SAFETY: the child has one thread, which is about to become another program.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }?;
    // Has 0 in here stand for 0 outside; group ids only without setgroups (user_namespaces(7)).
    say(c"/proc/self/setgroups", b"deny")?;
    say(c"/proc/self/uid_map", b"0 0 1")?;
    say(c"/proc/self/gid_map", b"0 0 1")
}

fn say(file: &CStr, text: &[u8]) -> io::Result<()> {
    let file = open(file, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    write(&file, text)?;
    Ok(())
}
