//! `/proc/zoneinfo`: which page frames exist.

use std::io::BufRead;

use anyhow::{Result, ensure};

/// One more than the highest page frame number of any zone, or an error if the
/// text names none.
///
/// The kernel prints `spanned` before `start_pfn` for each zone (mm/vmstat.c,
/// `zoneinfo_show_print`).
pub fn frames(zoneinfo: impl BufRead) -> Result<u64> {
    let (mut spanned, mut frames) = (0, 0);
    for line in zoneinfo.lines() {
        let line = line?;
        if let Some(pages) = field(&line, "spanned") {
            spanned = pages;
        } else if let Some(start) = field(&line, "start_pfn:")
            && spanned > 0
        {
            frames = frames.max(start + spanned);
        }
    }
    ensure!(frames > 0, "/proc/zoneinfo names no page frames");
    Ok(frames)
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
    fn the_highest_zone_decides() {
        assert_eq!(
            frames(TEXT.as_bytes()).expect("zones"),
            1_048_576 + 5_505_024
        );
    }

    #[test]
    fn text_without_zones_is_refused() {
        assert!(frames(&b"nothing here\n"[..]).is_err());
    }
}
