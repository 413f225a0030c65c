//! Transparent huge pages.

use std::{fs, io};

use memmap2::{Advice, MmapMut};
use rustix::{
    mm::{MlockFlags, mlock_with},
    param::page_size,
};

use super::Held;
use crate::announcement::Announcement;

/// The order of a huge page: one entry of a page table maps as many pages as a table has entries, of a
/// word each.
pub fn huge_order() -> u32 {
    (page_size() / size_of::<u64>()).ilog2()
}

fn huge_bytes() -> usize {
    page_size() << huge_order()
}

/// `leak thp`
#[derive(clap::Args)]
pub struct Thp {
    /// How many huge pages
    #[arg(long, default_value_t = 16)]
    pub count: usize,
}

impl Thp {
    /// Why this kernel gives no huge pages to those who ask for them, if so.
    pub fn refusal() -> Option<String> {
        match fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled") {
            Ok(modes) if modes.contains("[never]") => {
                Some("transparent huge pages are switched off".to_owned())
            }
            Ok(_) => None,
            Err(error) => Some(format!("the kernel has no transparent huge pages: {error}")),
        }
    }

    /// Maps the memory, faults it in and keeps it, once the kernel says that it
    /// consists of huge pages.
    pub fn take(&self) -> io::Result<Held> {
        let mut memory = Aligned::map(self.count * huge_bytes())?;
        memory.fault_in()?;
        let huge = memory.huge_pages()?;
        if huge < self.count {
            return Err(io::Error::other(format!(
                "{huge} of {} pages are huge",
                self.count
            )));
        }
        let pages = (self.count << huge_order()) as u64;
        Ok(Held::new(Announcement::holding(pages), memory))
    }
}

/// Memory that begins where a huge page can.
struct Aligned {
    mapping: MmapMut,
    offset: usize,
    bytes: usize,
}

impl Aligned {
    fn map(bytes: usize) -> io::Result<Self> {
        let mapping = MmapMut::map_anon(bytes + huge_bytes())?;
        let offset = mapping.as_ptr().align_offset(huge_bytes());
        mapping.advise_range(Advice::HugePage, offset, bytes)?;
        Ok(Self {
            mapping,
            offset,
            bytes,
        })
    }

    /// `mlock2`, because hardly any program uses it: see `Pipe::fill`. And Linux
    /// before 5.14 has no `MADV_POPULATE_WRITE`.
    fn fault_in(&mut self) -> io::Result<()> {
        let start = self.start().cast_mut().cast();
        // SAFETY: the range is ours, and what it holds stays the same.
        Ok(unsafe { mlock_with(start, self.bytes, MlockFlags::empty()) }?)
    }

    /// How many huge pages it consists of. The lock has split it from what is around it.
    fn huge_pages(&self) -> io::Result<usize> {
        let smaps = fs::read_to_string("/proc/self/smaps")?;
        let kib = anon_huge_kib(&smaps, self.start().addr());
        let kib = kib.ok_or_else(|| io::Error::other("smaps does not show the memory"))?;
        Ok((kib << 10) / huge_bytes())
    }

    fn start(&self) -> *const u8 {
        self.mapping[self.offset..].as_ptr()
    }
}

/// `AnonHugePages` of the mapping that begins at `start`.
fn anon_huge_kib(smaps: &str, start: usize) -> Option<usize> {
    let start = format!("{start:x}-");
    let mut mapping = smaps.lines().skip_while(|line| !line.starts_with(&start));
    let value = mapping.find_map(|line| line.strip_prefix("AnonHugePages:"))?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_huge_pages_are_those_of_the_mapping() {
        let smaps = "7f0000000000-7f0000200000 rw-p\nAnonHugePages:         0 kB\n\
                     7f0000200000-7f0000600000 rw-p\nRss: 1 kB\nAnonHugePages:      4096 kB\n";
        assert_eq!(anon_huge_kib(smaps, 0x7f00_0020_0000), Some(4096));
        assert_eq!(anon_huge_kib(smaps, 0x7f00_0040_0000), None);
    }
}
