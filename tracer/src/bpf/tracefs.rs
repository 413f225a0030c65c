//! tracefs, which has the formats and ids of tracepoints: as it is mounted, or
//! by a mount of our own that has no place in the tree.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    os::fd::OwnedFd,
    path::Path,
};

use anyhow::{Context as _, Result};
use rustix::{
    fs::{Mode, OFlags, fstatfs, open, openat},
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
};
use tracer_ebpf::TracefsConfig;

use crate::kernel::{gfp, host, tracepoint};

/// Where the fields of the two records lie, as the running kernel's formats say.
pub(super) fn offsets() -> Result<TracefsConfig> {
    let tracefs = Tracefs::open()?;
    let format = tracefs.format(tracepoint::ALLOC)?;
    let alloc = |name| field(&format, name);
    let format = tracefs.format(tracepoint::FREE)?;
    let free = |name| field(&format, name);
    Ok(TracefsConfig {
        alloc_pfn: alloc("pfn")?,
        alloc_order: alloc("order")?,
        alloc_gfp: alloc("gfp_flags")?,
        alloc_migratetype: alloc("migratetype")?,
        free_pfn: free("pfn")?,
        free_order: free("order")?,
    })
}

/// Whether the tracepoints can be found.
pub fn tracefs_tracepoints() -> Result<()> {
    offsets().map(|_| ())
}

/// The names of the running kernel's gfp flags, with their values.
pub fn gfp_flags() -> Result<BTreeMap<String, u32>> {
    Ok(gfp::flags(&Tracefs::open()?.format(tracepoint::ALLOC)?))
}

/// The root of tracefs.
pub(super) struct Tracefs(OwnedFd);

impl Tracefs {
    /// Opens it where it is mounted, or mounts it nowhere. The latter comes second: each mount sets
    /// the options of the one file system there is, its mode among them (`tracefs_get_tree` in
    /// fs/tracefs/inode.c).
    pub(super) fn open() -> Result<Self> {
        let points = host::mount_points("tracefs")?;
        let mounted = points.iter().find_map(|point| root_at(point).ok());
        let root = mounted.map_or_else(detached_mount, Ok);
        Ok(Self(root.context("cannot open or mount tracefs")?))
    }

    /// The number by which `perf_event_open` knows a tracepoint of the page allocator.
    pub(super) fn id(&self, event: &str) -> Result<u64> {
        let id = self.read(event, "id")?;
        let id = id.trim().parse();
        id.with_context(|| format!("the id of the tracepoint {event} is no number"))
    }

    fn format(&self, event: &str) -> Result<String> {
        self.read(event, "format")
    }

    fn read(&self, event: &str, file: &str) -> Result<String> {
        let path = format!("events/{}/{event}/{file}", tracepoint::GROUP);
        read(&self.0, &path).with_context(|| format!("cannot read {path} in tracefs"))
    }
}

/// What is at the place where tracefs is mounted: something else may be mounted over it.
fn root_at(point: &Path) -> io::Result<OwnedFd> {
    const TRACEFS_MAGIC: u64 = 0x7472_6163;
    let root = open(
        point,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    if fstatfs(&root)?.f_type.cast_unsigned() != TRACEFS_MAGIC {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(root)
}

fn detached_mount() -> io::Result<OwnedFd> {
    let context = fsopen("tracefs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let read_only = MountAttrFlags::MOUNT_ATTR_RDONLY;
    Ok(fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, read_only)?)
}

fn read(root: &OwnedFd, path: &str) -> io::Result<String> {
    let file = openat(root, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = String::new();
    File::from(file).read_to_string(&mut text)?;
    Ok(text)
}

fn field(format: &str, name: &str) -> Result<u32> {
    tracepoint::offset(format, name).with_context(|| format!("the tracepoint has no field {name}"))
}
