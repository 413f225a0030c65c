//! `/proc/buddyinfo`: the orders of the kernel's page allocator.

use std::io::BufRead;

use anyhow::{Context as _, Result};

/// The largest order (`MAX_PAGE_ORDER`), or an error if the text has no line of a zone.
///
/// Each line has the number of free blocks of every order from 0 on, behind the name of its zone
/// (mm/vmstat.c, `frag_show_print`).
pub fn largest_order(buddyinfo: impl BufRead) -> Result<u32> {
    for line in buddyinfo.lines() {
        let line = line?;
        let Some((_, zone)) = line.split_once(" zone ") else {
            continue;
        };
        let counts = zone.split_whitespace().skip(1).count();
        let largest = u32::try_from(counts)?.checked_sub(1);
        return largest.context("/proc/buddyinfo names no order");
    }
    anyhow::bail!("/proc/buddyinfo names no zone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_order_is_that_of_the_last_column() {
        let text = "Node 0, zone      DMA      1      0      0      1      2      1      1      0      1      1      3 \n";
        assert_eq!(largest_order(text.as_bytes()).expect("a zone"), 10);
        let text = "Node 0, zone   Normal      1      0 \n";
        assert_eq!(largest_order(text.as_bytes()).expect("a zone"), 1);
        for text in ["", "Node 0, zone   Normal\n"] {
            assert!(largest_order(text.as_bytes()).is_err(), "{text}");
        }
    }
}
