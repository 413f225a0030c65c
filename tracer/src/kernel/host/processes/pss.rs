//! The proportional sizes of processes. The kernel walks their page tables for it, so all of them
//! can take long.

use std::{cmp::Reverse, collections::BinaryHeap, time::Instant};

use super::{
    Detail, folder_of,
    unread::{Parts, Reader},
};
use crate::{
    kernel::process::pss,
    model::{Process, ProcessPart, UnreadReason},
};

/// Reads them, the largest processes first, until time is up and none that is left can be among
/// the largest: no process has a proportional size beyond its resident one.
pub(super) fn add(processes: &mut [Process], detail: Detail, parts: &mut Parts) {
    let deadline = Instant::now() + detail.pss_time;
    let mut largest = Largest::new(detail.pss_of);
    let mut left: Vec<_> = processes
        .iter_mut()
        .filter(|it| it.rss_bytes > Some(0))
        .collect();
    left.sort_by_key(|process| Reverse(process.rss_bytes));
    for process in left {
        let can_be_larger = largest.can_have(process.rss_bytes.unwrap_or(0));
        if Instant::now() >= deadline && !can_be_larger {
            parts.note(ProcessPart::Pss, process.pid, UnreadReason::OutOfTime);
            continue;
        }
        process.pss_bytes = read(process, parts);
        largest.add(process.pss_bytes.unwrap_or(0));
    }
}

fn read(process: &Process, parts: &mut Parts) -> Option<u64> {
    let folder = folder_of(process);
    let folder = folder.map_err(|error| parts.not_there(ProcessPart::Pss, process.pid, &error));
    let mut reader = Reader::new(process.pid, folder.ok()?, parts);
    pss(&reader.read(ProcessPart::Pss, "smaps_rollup", 1 << 16)?)
}

/// The largest of the sizes so far.
struct Largest {
    sizes: BinaryHeap<Reverse<u64>>,
    number: usize,
}

impl Largest {
    fn new(number: usize) -> Self {
        Self {
            sizes: BinaryHeap::new(),
            number,
        }
    }

    fn add(&mut self, size: u64) {
        self.sizes.push(Reverse(size));
        if self.sizes.len() > self.number {
            self.sizes.pop();
        }
    }

    fn can_have(&self, size: u64) -> bool {
        let smallest = self.sizes.peek().map_or(0, |it| it.0);
        self.sizes.len() < self.number || self.number > 0 && size > smallest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_larger_one_can_be_among_the_largest() {
        let mut largest = Largest::new(2);
        for size in [5, 9, 7] {
            assert!(largest.can_have(size));
            largest.add(size);
        }
        assert!(largest.can_have(8));
        assert!(!largest.can_have(7));
        assert!(!Largest::new(0).can_have(9));
    }
}
