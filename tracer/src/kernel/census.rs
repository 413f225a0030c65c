//! Every page frame of the machine, by `/proc/kpageflags`.

use std::{collections::BTreeMap, io};

use super::{
    pageflags::{PageFlags, PageFlagsFile},
    zoneinfo::Zone,
};
use crate::model::{Census, PageClass, PageState};

/// Page frames looked at in one go.
const CHUNK: u64 = 1 << 16;

/// Counts the page frames of these zones.
pub fn census(flags: &PageFlagsFile, zones: &[Zone]) -> io::Result<Census> {
    let mut counter = Counter::default();
    for zone in zones {
        let mut first = zone.frames.start;
        while first < zone.frames.end {
            let count = CHUNK.min(zone.frames.end - first);
            let read = flags.read(first, count as usize)?;
            if read.is_empty() {
                break;
            }
            first += read.len() as u64;
            read.into_iter().for_each(|it| counter.count(it));
        }
    }
    Ok(Census {
        pages: counter.pages,
    })
}

#[derive(Default)]
struct Counter {
    pages: BTreeMap<PageClass, u64>,
    /// What the last page was that was no tail.
    head: Option<PageClass>,
}

impl Counter {
    /// Counts a page. Some kernels show what a block is on its first page only
    /// (`stable_page_flags`, fs/proc/page.c).
    fn count(&mut self, flags: PageFlags) {
        let own = class(flags);
        let class = match self.head {
            Some(head) if flags.is_tail() && own == PageClass::Unmarked => head,
            _ => own,
        };
        if !flags.is_tail() {
            self.head = Some(own);
        }
        *self.pages.entry(class).or_default() += 1;
    }
}

fn class(flags: PageFlags) -> PageClass {
    if flags.is_absent() {
        return PageClass::Absent;
    }
    match flags.state() {
        PageState::Free => PageClass::Free,
        PageState::HugeTlb => PageClass::Hugetlb,
        PageState::Slab => PageClass::Slab,
        PageState::PageTable => PageClass::PageTable,
        PageState::Offline => PageClass::Offline,
        PageState::Anonymous
        | PageState::LargeAnonymous
        | PageState::Pinned
        | PageState::SwapCache => PageClass::Anonymous,
        PageState::PageCache | PageState::MaybePageCache => PageClass::File,
        PageState::Reserved => PageClass::Reserved,
        PageState::HugeZero | PageState::Unmarked => PageClass::Unmarked,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const BUDDY: u64 = 1 << 10;
    const SLAB: u64 = 1 << 7;
    const HEAD: u64 = 1 << 15;
    const TAIL: u64 = 1 << 16;
    const NOPAGE: u64 = 1 << 20;

    #[test]
    fn a_tail_is_what_its_head_is() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        for flags in [BUDDY, SLAB | HEAD, TAIL, 0, TAIL, NOPAGE, BUDDY] {
            file.write_all(&flags.to_ne_bytes()).expect("room for it");
        }
        let flags = PageFlagsFile::open(file.path().to_str().expect("a UTF-8 path"));
        let zone = |frames| Zone { node: 0, frames };
        let zones = [zone(0..3), zone(3..6), zone(6..9)];
        let census = census(&flags.expect("it can be read"), &zones).expect("it can be read");
        let expected = [
            (PageClass::Free, 2),
            (PageClass::Slab, 2),
            (PageClass::Unmarked, 2),
            (PageClass::Absent, 1),
        ];
        assert_eq!(census.pages, BTreeMap::from(expected));
    }
}
