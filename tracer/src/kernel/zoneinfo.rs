//! `/proc/zoneinfo`: which page frames exist, and how many are on the lists of CPUs.

use std::{
    collections::BTreeSet,
    io::BufRead,
    ops::{Range, RangeInclusive},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::model::ZoneTotals;

/// The page frames of one zone, which may have holes in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The NUMA node it belongs to.
    pub node: u32,
    /// The first page frame, and one more than the last.
    pub frames: Range<u64>,
}

/// The zones that have page frames, or an error if the text names none.
///
/// The kernel prints `spanned` before `start_pfn` for each zone (mm/vmstat.c,
/// `zoneinfo_show_print`).
pub fn zones(zoneinfo: impl BufRead) -> Result<Vec<Zone>> {
    let (mut node, mut spanned, mut zones) = (0, 0, Vec::new());
    for line in zoneinfo.lines() {
        let line = line?;
        if let Some(number) = node_number(&line) {
            (node, spanned) = (number, 0);
        } else if let Some(pages) = field(&line, "spanned") {
            spanned = pages;
        } else if let Some(start) = field(&line, "start_pfn:")
            && spanned > 0
        {
            zones.push(Zone {
                node,
                frames: start..end(start, spanned)?,
            });
        }
    }
    ensure!(!zones.is_empty(), "/proc/zoneinfo names no page frames");
    Ok(zones)
}

/// The sums over all zones; an error if the text has none.
pub fn totals(zoneinfo: impl BufRead) -> Result<ZoneTotals> {
    let mut totals = ZoneTotals::default();
    for line in zoneinfo.lines() {
        let line = line?;
        // A zone has `high` and a CPU's list has `high:`; only what is added up here is unique.
        for (name, sum) in [
            ("spanned ", &mut totals.spanned_pages),
            ("present ", &mut totals.present_pages),
            ("managed ", &mut totals.managed_pages),
            ("min ", &mut totals.reserve_pages),
            ("count: ", &mut totals.per_cpu_list_pages),
        ] {
            *sum = sum.saturating_add(field(&line, name).unwrap_or(0));
        }
    }
    ensure!(
        totals.present_pages > 0,
        "/proc/zoneinfo names no page frames"
    );
    Ok(totals)
}

/// The page frames of all zones in at most `most` pieces in ascending order, each of which begins and
/// ends at a multiple of `alignment`. What lies between zones belongs to a piece where it is small.
pub fn spans(zones: &[Zone], alignment: u64, most: usize) -> Vec<Range<u64>> {
    /// 1 GiB, for which a table has 1 MiB; on kernels with larger page frames more.
    const SMALL: u64 = 1 << 18;
    let aligned = |zone: &Zone| {
        let start = zone.frames.start / alignment * alignment;
        start..zone.frames.end.next_multiple_of(alignment)
    };
    let mut spans: Vec<_> = zones.iter().map(aligned).collect();
    spans.sort_unstable_by_key(|span| span.start);
    let mut least = SMALL;
    loop {
        spans = joined(&spans, least);
        if spans.len() <= most.max(1) {
            return spans;
        }
        let gaps = spans.windows(2).map(|two| two[1].start - two[0].end);
        least = gaps.min().unwrap_or(0) + 1;
    }
}

/// The same, where what is less than `least` apart is one.
fn joined(spans: &[Range<u64>], least: u64) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start.saturating_sub(last.end) < least => {
                last.end = last.end.max(span.end);
            }
            _ => joined.push(span.clone()),
        }
    }
    joined
}

/// The page frames of one NUMA node, first and last; an error if it has none,
/// or others lie between them.
pub fn node_frames(zones: &[Zone], node: u32) -> Result<RangeInclusive<u64>> {
    let (own, others): (Vec<_>, Vec<_>) = zones.iter().partition(|zone| zone.node == node);
    let start = own.iter().map(|zone| zone.frames.start).min();
    let end = own.iter().map(|zone| zone.frames.end).max();
    let Some((start, end)) = start.zip(end) else {
        let nodes: BTreeSet<_> = zones.iter().map(|zone| zone.node.to_string()).collect();
        let nodes: Vec<_> = nodes.into_iter().collect();
        bail!(
            "there is no memory on node {node}: name one of {}",
            nodes.join(", ")
        );
    };
    let is_between = |zone: &&Zone| zone.frames.start < end && zone.frames.end > start;
    ensure!(
        !others.iter().any(is_between),
        "node {node} cannot be told apart: its page frames have others between them"
    );
    Ok(start..=end - 1)
}

fn node_number(line: &str) -> Option<u32> {
    let (node, _) = line.strip_prefix("Node ")?.split_once(',')?;
    node.parse().ok()
}

/// Where a zone ends, if that can be: page frame numbers have 55 bits
/// (Documentation/admin-guide/mm/pagemap.rst).
fn end(start: u64, spanned: u64) -> Result<u64> {
    let end = start.checked_add(spanned);
    end.filter(|&end| end <= 1 << 55).with_context(|| {
        format!("/proc/zoneinfo has a zone of {spanned} frames from {start}, which cannot be")
    })
}

fn field(line: &str, name: &str) -> Option<u64> {
    line.trim_start().strip_prefix(name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Node 0, zone      DMA
  pages free     2816
        spanned  4095
        present  3998
  start_pfn:           1
Node 0, zone   Normal
        spanned  5505024
  start_pfn:           1048576
Node 0, zone  Movable
        spanned  0
  start_pfn:           0
";

    #[test]
    fn zones_without_frames_are_left_out() {
        let zones = zones(TEXT.as_bytes()).expect("zones");
        let frames: Vec<_> = zones.into_iter().map(|zone| zone.frames).collect();
        assert_eq!(frames, [1..4096, 1_048_576..1_048_576 + 5_505_024]);
    }

    #[test]
    fn zones_and_lists_of_cpus_are_added_up() {
        const TEXT: &str = "\
Node 0, zone   Normal
  per-node stats
      nr_mlock     9
  pages free     123
        boost    0
        min      10
        high     16
        spanned  4095
        present  3998
        managed  3840
        protection: (0, 2919, 23560, 23560)
  pagesets
    cpu: 0
              count:    81
              high:     430
    cpu: 1
              count:    128
Node 0, zone   Movable
  pages free     0
        min      5
        present  2
        managed  0
";
        let expected = ZoneTotals {
            spanned_pages: 4095,
            present_pages: 4000,
            managed_pages: 3840,
            reserve_pages: 15,
            per_cpu_list_pages: 209,
        };
        assert_eq!(totals(TEXT.as_bytes()).expect("zones"), expected);
        assert!(totals(&b"nothing here\n"[..]).is_err());
    }

    #[test]
    fn zones_that_are_near_are_one_span() {
        let zones = [zone(0, 50..90), zone(1, 10..50), zone(1, 200_000..300_000)];
        let all = 8..300_000;
        assert_eq!(spans(&zones, 8, 8), [all]);
        let one = [zone(0, 1..4096)];
        let all = 0..8192;
        assert_eq!(spans(&one, 8192, 8), [all]);
    }

    #[test]
    fn memory_of_another_socket_is_another_span() {
        // Two sockets of arm64: 2 GiB below 4 GiB, the rest at 512 GiB, and the other socket's at 64 TiB.
        let zones = [
            zone(0, 0x8_0000..0x10_0000),
            zone(0, 0x800_0000..0xc00_0000),
            zone(1, 0x4_0000_0000..0x4_0400_0000),
        ];
        let all = [
            0x8_0000..0x10_0000,
            0x800_0000..0xc00_0000,
            0x4_0000_0000..0x4_0400_0000,
        ];
        assert_eq!(spans(&zones, 8192, 8), all);
        let two = [0x8_0000..0xc00_0000, 0x4_0000_0000..0x4_0400_0000];
        assert_eq!(spans(&zones, 8192, 2), two, "the smallest gap is covered");
        let one = 0x8_0000..0x4_0400_0000;
        assert_eq!(spans(&zones, 8192, 1), [one]);
    }

    #[test]
    fn a_zone_that_cannot_be_is_refused() {
        for spanned in [1 << 55, u64::MAX] {
            let text = format!("spanned {spanned}\nstart_pfn: 1\n");
            assert!(zones(text.as_bytes()).is_err(), "{spanned}");
        }
    }

    #[test]
    fn text_without_zones_is_refused() {
        assert!(zones(&b"nothing here\n"[..]).is_err());
    }

    fn zone(node: u32, frames: Range<u64>) -> Zone {
        Zone { node, frames }
    }

    #[test]
    fn a_node_has_the_frames_of_its_zones() {
        let zones = [zone(0, 1..10), zone(0, 50..90), zone(1, 90..200)];
        let frames = |node| node_frames(&zones, node);
        assert_eq!(frames(0).expect("it has some"), 1..=89);
        assert_eq!(frames(1).expect("it has some"), 90..=199);
        let error = frames(7).expect_err("it has none");
        assert!(error.to_string().ends_with("one of 0, 1"), "{error}");
    }

    #[test]
    fn a_node_with_another_between_its_frames_is_refused() {
        let zones = [zone(0, 1..10), zone(1, 10..50), zone(0, 50..90)];
        assert!(node_frames(&zones, 0).is_err());
        assert_eq!(node_frames(&zones, 1).expect("it is whole"), 10..=49);
    }
}
