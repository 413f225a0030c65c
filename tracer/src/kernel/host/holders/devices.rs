//! What drivers and file systems say about themselves in `/sys`, `/proc` and debugfs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Findings;
use crate::{
    kernel::{
        balloon,
        dma_buf::{self, BytesByExporter},
        host::{memory::balloon_is_in_total, mount_points},
        kstat, trace_buffer, zram,
    },
    model::{Certainty, Feature, HolderKind, KnownHolder, MemoryCounters},
};

/// Adds all that needs no process to be looked at.
pub(super) fn look(counters: &MemoryCounters, findings: &mut Findings) {
    findings.extend(trace_buffers());
    findings.extend(zfs());
    findings.extend(compressed_disks());
    findings.extend(balloon(counters));
    match dma_bufs() {
        Some(buffers) => findings.extend(shared_buffers(buffers)),
        None if Path::new("/dev/dma_heap").exists() => findings.limited(
            Feature::DmaBufs,
            "they are listed neither in /sys/kernel/dmabuf nor in debugfs",
            Some("mount debugfs"),
        ),
        None => {}
    }
}

fn text(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// A file of debugfs, wherever it is mounted.
fn debugfs(name: &str) -> Option<String> {
    mount_points("debugfs")
        .ok()?
        .first()
        .and_then(|point| text(point.join(name)))
}

/// The ring buffers of every instance of ftrace.
fn trace_buffers() -> Option<KnownHolder> {
    let point = mount_points("tracefs").ok()?.into_iter().next()?;
    let instances = entries(point.join("instances"));
    let folders = std::iter::once(point).chain(instances);
    let buffers = folders.filter_map(|folder| {
        let bytes = trace_buffer::bytes(&text(folder.join("buffer_total_size_kb"))?)?;
        Some((bytes, folder))
    });
    KnownHolder::of(
        HolderKind::TraceBuffers,
        Certainty::Exact,
        "buffer_total_size_kb",
        buffers,
        |folder| folder.display().to_string(),
    )
}

/// Its data where it tells how much of it is pages, else the whole cache.
fn zfs() -> Option<KnownHolder> {
    let folder = Path::new("/proc/spl/kstat/zfs");
    let data = text(folder.join("abdstats")).and_then(|text| kstat::data_bytes(&text));
    let cache = || kstat::number(&text(folder.join("arcstats"))?, "size");
    let (kind, certainty, source, bytes) = match data {
        Some(bytes) => (HolderKind::ZfsData, Certainty::Exact, "abdstats", bytes),
        None => (HolderKind::ZfsArc, Certainty::AtMost, "arcstats", cache()?),
    };
    one(kind, certainty, source, bytes)
}

fn compressed_disks() -> Option<KnownHolder> {
    let disks = entries("/sys/block");
    let disks = disks.filter_map(|disk| {
        let bytes = zram::bytes(&text(disk.join("mm_stat"))?)?;
        Some((bytes, disk))
    });
    KnownHolder::of(
        HolderKind::Zram,
        Certainty::Counted,
        "mm_stat",
        disks,
        |disk| {
            disk.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        },
    )
}

/// Where the line `Balloon` is missing (before Linux 6.16), what the driver says.
fn balloon(counters: &MemoryCounters) -> Option<KnownHolder> {
    if counters.meminfo.contains_key("Balloon") {
        return None;
    }
    let certainty = if balloon_is_in_total() {
        Certainty::Exact
    } else {
        Certainty::Counted
    };
    let (source, bytes) = vmware()
        .or_else(|| virtio(counters))
        .or_else(hyper_v)
        .or_else(xen)?;
    one(HolderKind::Balloon, certainty, source, bytes)
}

fn vmware() -> Option<(&'static str, u64)> {
    Some((
        "debugfs: vmmemctl",
        balloon::vmware_bytes(&debugfs("vmmemctl")?)?,
    ))
}

/// Both count pages since the machine was started (drivers/virtio/virtio_balloon.c).
fn virtio(counters: &MemoryCounters) -> Option<(&'static str, u64)> {
    let count = |name: &str| counters.vmstat.get(name).copied();
    let pages = count("balloon_inflate")?.saturating_sub(count("balloon_deflate")?);
    let bytes = pages.saturating_mul(counters.page_size);
    (pages > 0).then_some(("balloon_inflate - balloon_deflate", bytes))
}

fn hyper_v() -> Option<(&'static str, u64)> {
    Some((
        "debugfs: hv-balloon",
        balloon::hyper_v_bytes(&debugfs("hv-balloon")?)?,
    ))
}

/// What the balloon has of low and of high memory (drivers/xen/xen-balloon.c).
fn xen() -> Option<(&'static str, u64)> {
    let folder = Path::new("/sys/devices/system/xen_memory/xen_memory0/info");
    let kib = |name: &str| text(folder.join(name))?.trim().parse::<u64>().ok();
    let bytes = (kib("low_kb")?.checked_add(kib("high_kb")?)?).checked_mul(1024)?;
    Some(("xen_memory: low_kb + high_kb", bytes))
}

fn dma_bufs() -> Option<BytesByExporter> {
    let folder = Path::new("/sys/kernel/dmabuf/buffers");
    let in_folder = dma_buf::in_folder(folder).ok();
    in_folder.or_else(|| Some(dma_buf::in_text(&debugfs("dma_buf/bufinfo")?)))
}

/// Buffers of the system heap are pages and nothing else; what other exporters have, they know.
fn shared_buffers(buffers: BytesByExporter) -> impl Iterator<Item = KnownHolder> {
    let is_heap = |exporter: &str| exporter == dma_buf::SYSTEM_HEAP;
    let (heap, others): (Vec<_>, Vec<_>) = buffers
        .into_iter()
        .map(|(exporter, bytes)| (bytes, exporter))
        .partition(|(_, exporter)| is_heap(exporter));
    let holder =
        |kind, certainty, parts| KnownHolder::of(kind, certainty, "dma-buf", parts, String::clone);
    let heap = holder(HolderKind::DmaBufHeap, Certainty::Exact, heap);
    let others = holder(HolderKind::DmaBufs, Certainty::AtMost, others);
    heap.into_iter().chain(others)
}

fn one(kind: HolderKind, certainty: Certainty, source: &str, bytes: u64) -> Option<KnownHolder> {
    KnownHolder::of(kind, certainty, source, [(bytes, ())], |()| {
        source.to_owned()
    })
}

fn entries(folder: impl AsRef<Path>) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}
