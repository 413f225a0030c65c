//! What the running kernel counts of its memory.

use std::{collections::BTreeMap, fmt::Display, fs, io::BufReader, path::Path};

use anyhow::Result;

use super::{census, meminfo_bytes, open, read};
use crate::{
    kernel::{dying_cgroups, hugepages, meminfo, slabinfo, vmallocinfo, vmstat, zoneinfo},
    model::{Census, Feature, Limitation, MemoryCounters, ZoneTotals},
};

/// Every counter, and what could not be read; an error only without `/proc/meminfo`.
pub fn memory_counters() -> Result<(MemoryCounters, Vec<Limitation>)> {
    let page_size = rustix::param::page_size() as u64;
    let mut reader = Reader::default();
    let FreePages { meminfo, zones, .. } = free_pages()?;
    let vmstat = read("/proc/vmstat").map(|text| vmstat::counters(&text));
    let slabs = open("/proc/slabinfo");
    let slabs = slabs.and_then(|file| slabinfo::caches(BufReader::new(file), page_size));
    let vmalloc = open("/proc/vmallocinfo");
    let vmalloc = vmalloc.and_then(|file| vmallocinfo::callers(BufReader::new(file), page_size));
    let huge_pages = hugepages::pools(Path::new("/sys/kernel/mm/hugepages"));
    let counters = MemoryCounters {
        page_size,
        meminfo,
        vmstat: reader.part(Feature::Vmstat, vmstat).unwrap_or_default(),
        zones: reader.part(Feature::PerCpuLists, zones),
        huge_pages: reader
            .part(Feature::HugePagePools, huge_pages)
            .unwrap_or_default(),
        slabs: reader.part(Feature::SlabCaches, slabs),
        vmalloc: reader.part(Feature::VmallocCallers, vmalloc),
        dying_memory_cgroups: dying_memory_cgroups(),
        balloon_is_in_total: balloon_is_in_total(),
    };
    Ok((counters, reader.limitations))
}

/// The counters and every page frame by its flags, from nearly the same moment: of a few
/// readings, the one in which `MemFree` moved least.
pub fn counters_and_census() -> Result<(MemoryCounters, Census)> {
    const READINGS: usize = 5;
    let mut best = CountedPages::read()?;
    for _ in 1..READINGS {
        if best.is_steady() {
            break;
        }
        let other = CountedPages::read()?;
        if other.moved < best.moved {
            best = other;
        }
    }
    Ok((best.counters, best.census))
}

struct CountedPages {
    counters: MemoryCounters,
    census: Census,
    /// By how many bytes `MemFree` changed while they were counted.
    moved: u64,
}

impl CountedPages {
    fn read() -> Result<Self> {
        let (counters, _) = memory_counters()?;
        let census = census()?;
        let free = counters.meminfo.get("MemFree").copied().unwrap_or(0);
        let moved = free.abs_diff(meminfo_bytes("MemFree")?);
        Ok(Self {
            counters,
            census,
            moved,
        })
    }

    /// Whether less than a thousandth of memory moved.
    fn is_steady(&self) -> bool {
        let total = self.counters.meminfo.get("MemTotal").copied();
        self.moved <= total.unwrap_or(0) / 1000
    }
}

/// `/proc/meminfo`, and `/proc/zoneinfo` from nearly the same moment: what leaves the free lists
/// in between can be in neither, or in both. Of a few readings, the one in which `MemFree` moved
/// least.
fn free_pages() -> Result<FreePages> {
    const READINGS: usize = 5;
    let mut best = FreePages::read()?;
    for _ in 1..READINGS {
        let other = FreePages::read()?;
        if other.moved < best.moved {
            best = other;
        }
    }
    Ok(best)
}

struct FreePages {
    meminfo: BTreeMap<String, u64>,
    zones: Result<ZoneTotals>,
    /// By how many bytes `MemFree` changed while they were read.
    moved: u64,
}

impl FreePages {
    fn read() -> Result<Self> {
        let before = meminfo::lines(&read("/proc/meminfo")?);
        let zones = open("/proc/zoneinfo").and_then(|file| zoneinfo::totals(BufReader::new(file)));
        let meminfo = meminfo::lines(&read("/proc/meminfo")?);
        let free = |lines: &BTreeMap<_, _>| lines.get("MemFree").copied().unwrap_or(0);
        Ok(Self {
            moved: free(&before).abs_diff(free(&meminfo)),
            meminfo,
            zones,
        })
    }
}

fn dying_memory_cgroups() -> Option<u64> {
    let mounts = read("/proc/self/mountinfo").ok()?;
    let cgroups = read("/proc/cgroups").unwrap_or_default();
    dying_cgroups::dying_memory_cgroups(&mounts, &cgroups)
}

/// Collects what cannot be read.
#[derive(Default)]
struct Reader {
    limitations: Vec<Limitation>,
}

impl Reader {
    fn part<T>(&mut self, feature: Feature, read: Result<T, impl Display>) -> Option<T> {
        let note = |error| {
            let limitation = feature.degraded(format!("{error:#}"));
            self.limitations.push(limitation.remedied("run it as root"));
        };
        read.map_err(note).ok()
    }
}

/// Whether the driver of the balloon leaves `MemTotal` as it is: VMware's does, and virtio's
/// where the host lets it deflate when memory runs out (`VIRTIO_BALLOON_F_DEFLATE_ON_OOM`, bit
/// 2; drivers/virtio/virtio_balloon.c, `fill_balloon`). Hyper-V's and Xen's lower it.
pub(super) fn balloon_is_in_total() -> bool {
    Path::new("/sys/module/vmw_balloon").exists() || virtio_balloon_deflates_on_oom()
}

fn virtio_balloon_deflates_on_oom() -> bool {
    let devices = fs::read_dir("/sys/bus/virtio/drivers/virtio_balloon");
    let mut devices = devices.into_iter().flatten().flatten();
    devices.any(|device| {
        // One digit for each feature, the first for bit 0.
        let features = fs::read(device.path().join("features"));
        features.is_ok_and(|features| features.get(2) == Some(&b'1'))
    })
}
