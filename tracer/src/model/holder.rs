//! Who is known to hold memory that no counter shows.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

/// How many parts of a holder are kept: the largest.
const KEPT_PARTS: usize = 16;

/// One kind of holder, measured at its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHolder {
    /// What holds the memory.
    pub kind: HolderKind,
    /// Its bytes.
    pub bytes: u64,
    /// How many of its kind there are: sockets, rings, pools, maps.
    pub count: u64,
    /// What the number is worth.
    pub certainty: Certainty,
    /// The largest of its kind, largest first.
    pub parts: Vec<HolderPart>,
    /// Where it was read.
    pub source: String,
}

/// One of a kind: a socket, a ring, a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderPart {
    /// Which one it is, and whose.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

/// What a holder's number is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// Pages straight from the page allocator that no line of `/proc/meminfo` counts.
    Exact,
    /// An upper bound, or some of it is in a line of `/proc/meminfo`.
    AtMost,
    /// All of it is in another line already, or was taken off `MemTotal`.
    Counted,
}

/// What holds memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HolderKind {
    /// Rings of packet sockets.
    PacketRings,
    /// Buffers of sockets.
    Sockets,
    /// Pages of network drivers, with those that they lent.
    PagePools,
    /// Rings of perf events.
    PerfRings,
    /// Rings of io_uring.
    IoUringRings,
    /// User memory that was registered with io_uring.
    IoUringBuffers,
    /// Packets that wait to be read from tun, tap and macvtap devices.
    TunQueues,
    /// Pipes.
    Pipes,
    /// BPF maps.
    BpfMaps,
    /// BPF ring buffers.
    BpfRingBuffers,
    /// BPF programs.
    BpfPrograms,
    /// System memory of GPUs, by driver.
    Gpu,
    /// Buffers of the system heap of dma-buf.
    DmaBufHeap,
    /// Buffers that drivers export as dma-bufs.
    DmaBufs,
    /// Ring buffers of ftrace.
    TraceBuffers,
    /// The data that ZFS keeps.
    ZfsData,
    /// ZFS's cache with everything about it.
    ZfsArc,
    /// Compressed disks in memory.
    Zram,
    /// Memory that was given back to the hypervisor.
    Balloon,
}

impl HolderKind {
    /// Whether a walk over the kernel's objects finds the page frames of all of them.
    pub const fn is_walked(self) -> bool {
        matches!(
            self,
            Self::Pipes
                | Self::Sockets
                | Self::PacketRings
                | Self::PerfRings
                | Self::IoUringRings
                | Self::TunQueues
                | Self::BpfRingBuffers
        )
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PacketRings => "AF_PACKET rings",
            Self::Sockets => "sockets",
            Self::PagePools => "page pools",
            Self::PerfRings => "perf rings",
            Self::IoUringRings => "io_uring rings",
            Self::IoUringBuffers => "buffers registered with io_uring",
            Self::TunQueues => "tun and tap queues",
            Self::Pipes => "pipes",
            Self::BpfMaps => "BPF maps",
            Self::BpfRingBuffers => "BPF ring buffers",
            Self::BpfPrograms => "BPF programs",
            Self::Gpu => "GPU",
            Self::DmaBufHeap => "dma-buf heap",
            Self::DmaBufs => "dma-bufs",
            Self::TraceBuffers => "ftrace buffers",
            Self::ZfsData => "ZFS data",
            Self::ZfsArc => "ZFS ARC",
            Self::Zram => "zram",
            Self::Balloon => "balloon",
        }
    }
}

impl KnownHolder {
    /// The sum of these parts, each with its bytes; none if they hold nothing. Only the largest
    /// are named, since to find a name may take long.
    pub fn of<T>(
        kind: HolderKind,
        certainty: Certainty,
        source: &str,
        parts: impl IntoIterator<Item = (u64, T)>,
        mut name: impl FnMut(&T) -> String,
    ) -> Option<Self> {
        let mut parts: Vec<_> = parts.into_iter().filter(|(bytes, _)| *bytes > 0).collect();
        parts.sort_by_key(|(bytes, _)| Reverse(*bytes));
        let sum = parts.iter().map(|(bytes, _)| *bytes);
        let bytes = sum.fold(0, u64::saturating_add);
        let named = parts
            .iter()
            .take(KEPT_PARTS)
            .map(|(bytes, part)| HolderPart {
                name: name(part),
                bytes: *bytes,
            });
        (bytes > 0).then(|| Self {
            kind,
            bytes,
            count: parts.len() as u64,
            certainty,
            parts: named.collect(),
            source: source.to_owned(),
        })
    }

    /// Where its memory is counted, too, or why there may be less of it.
    pub const fn overlap(&self) -> Option<&'static str> {
        Some(match (self.kind, self.certainty) {
            (_, Certainty::Exact) => return None,
            (HolderKind::Gpu, Certainty::Counted) => "counted in GPUActive",
            (HolderKind::Sockets, _) => "some of it slab",
            (HolderKind::IoUringBuffers, _) => "which is user memory",
            (HolderKind::Pipes, _) => "if they are full",
            (HolderKind::BpfMaps, _) => "which is vmalloc, per-CPU memory and slab",
            (HolderKind::BpfPrograms, _) => "which is vmalloc",
            (HolderKind::Gpu | HolderKind::DmaBufs, _) => "some of it shmem",
            (HolderKind::ZfsArc, _) => "some of it slab and vmalloc",
            (HolderKind::Zram, _) => "counted in nr_zspages",
            (HolderKind::Balloon, _) => "not in MemTotal",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: impl IntoIterator<Item = u64>) -> Option<KnownHolder> {
        let parts = parts.into_iter().map(|bytes| (bytes, bytes));
        KnownHolder::of(
            HolderKind::Sockets,
            Certainty::AtMost,
            "sock_diag",
            parts,
            u64::to_string,
        )
    }

    #[test]
    fn the_largest_parts_are_named_and_all_are_counted() {
        let holder = of(0..40).expect("they hold memory");
        assert_eq!((holder.bytes, holder.count), (39 * 40 / 2, 39));
        assert_eq!(holder.parts.len(), KEPT_PARTS);
        let (name, bytes) = ("39".to_owned(), 39);
        assert_eq!(holder.parts[0], HolderPart { name, bytes });
    }

    #[test]
    fn who_holds_nothing_is_no_holder() {
        assert_eq!(of([]), None);
        assert_eq!(of([0]), None);
    }

    #[test]
    fn a_sum_beyond_all_numbers_is_the_largest() {
        let holder = of([u64::MAX, 1]).expect("they hold memory");
        assert_eq!(holder.bytes, u64::MAX);
    }
}
