//! tracefs, for tracepoints by perf events: mounted where only one thread of this
//! process can see it, so the machine stays as it was.

use std::{collections::BTreeMap, fs, thread};

use anyhow::{Context as _, Result, anyhow};
use rustix::{
    mount::{MountFlags, MountPropagationFlags, mount, mount_change},
    thread::{UnshareFlags, unshare_unsafe},
};
use tracer_ebpf::constants;

use crate::kernel::{gfp, tracepoint};

const MOUNT_POINT: &str = "/sys/kernel/tracing";

/// Where the fields of the two records lie, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offsets {
    alloc: [u32; 4],
    free: [u32; 2],
}

impl Offsets {
    /// Reads the running kernel's formats.
    pub(super) fn read() -> Result<Self> {
        with(|events| {
            let alloc = read_format(events, tracepoint::ALLOC)?;
            let free = read_format(events, tracepoint::FREE)?;
            Ok(Self {
                alloc: fields(&alloc, ["pfn", "order", "gfp_flags", "migratetype"])?,
                free: fields(&free, ["pfn", "order"])?,
            })
        })
    }

    /// Each offset with the name of its load-time constant.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &u32)> {
        let names = constants::ALLOC_OFFSETS
            .into_iter()
            .chain(constants::FREE_OFFSETS);
        names.zip(self.alloc.iter().chain(&self.free))
    }
}

/// Whether the tracepoints can be found.
pub fn tracefs_tracepoints() -> Result<()> {
    Offsets::read().map(|_| ())
}

/// The names of the running kernel's gfp flags, with their values.
pub fn gfp_flags() -> Result<BTreeMap<String, u32>> {
    with(|events| Ok(gfp::flags(&read_format(events, tracepoint::ALLOC)?)))
}

/// Runs `f` in a thread that sees tracefs, and hands it the directory of the
/// `kmem` events.
pub(super) fn with<T: Send>(f: impl FnOnce(&str) -> Result<T> + Send) -> Result<T> {
    let run = || {
        mount_privately().context("cannot mount tracefs")?;
        f(&format!("{MOUNT_POINT}/events/{}", tracepoint::GROUP))
    };
    thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err(anyhow!("the thread that reads tracefs died")))
}

fn mount_privately() -> Result<()> {
    // SAFETY: this thread is new and ends with `with`; nothing in it relies on
    // sharing the mount namespace or the working directory with others.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    // What is mounted below /sys from here on, nobody else sees.
    mount_change(
        "/sys",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )?;
    mount("tracefs", MOUNT_POINT, "tracefs", MountFlags::empty(), None)?;
    Ok(())
}

fn read_format(events: &str, event: &str) -> Result<String> {
    let path = format!("{events}/{event}/format");
    fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

fn fields<const N: usize>(format: &str, names: [&str; N]) -> Result<[u32; N]> {
    let mut offsets = [0; N];
    for (offset, name) in offsets.iter_mut().zip(names) {
        *offset = tracepoint::offset(format, name)
            .with_context(|| format!("the tracepoint has no field {name}"))?;
    }
    Ok(offsets)
}
