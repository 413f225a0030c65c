//! Page structs of a host of any size: those of this machine, again and again.

use anyhow::{Result, ensure};
use pagetrace::{
    bpf::{Copied, CopyMemory, KernelMemory, PageArray, PageCensus},
    kernel::{page_census::VmallocFrames, page_struct::PageStruct, zoneinfo::Zone},
    model::PageUse,
};

/// Bytes of a window.
const WINDOW: usize = KernelMemory::WINDOW as usize;

/// Windows that are kept: 64 MiB, the page structs of 4 GiB.
const MOST: usize = 512;

/// The page structs, the first at address 0.
pub struct PageStructs {
    sample: Vec<u8>,
    copied: Vec<u8>,
}

impl PageStructs {
    /// Samples parts of this machine's memory that are in use: what is free is passed over in large
    /// blocks, and costs next to nothing.
    pub fn sample(
        memory: &mut KernelMemory,
        array: PageArray,
        layout: &PageStruct,
        zones: &[Zone],
    ) -> Result<Self> {
        let mut sample = Vec::with_capacity(MOST * WINDOW);
        let frames = (WINDOW / layout.size) as u64;
        let starts = zones.iter().flat_map(|zone| {
            let first = zone.frames.start.next_multiple_of(frames);
            (first..zone.frames.end.saturating_sub(frames)).step_by(frames as usize)
        });
        for start in starts {
            let zones = [Zone {
                node: 0,
                frames: start..start + frames,
            }];
            if sample.len() < MOST * WINDOW && is_in_use(memory, array, layout, &zones)? {
                let address = array.base.wrapping_add(start * layout.size as u64);
                sample.extend(memory.window(address, WINDOW as u64)?.bytes);
            }
        }
        ensure!(
            !sample.is_empty(),
            "no part of this machine's memory is in use"
        );
        Ok(Self {
            sample,
            copied: vec![0; WINDOW],
        })
    }

    /// How many bytes were sampled.
    pub const fn sampled_bytes(&self) -> usize {
        self.sample.len()
    }
}

/// Whether a tenth of the page frames are free at most, and all exist.
fn is_in_use(
    memory: &mut KernelMemory,
    array: PageArray,
    layout: &PageStruct,
    zones: &[Zone],
) -> Result<bool> {
    let census = PageCensus {
        array,
        layout,
        zones,
        rests: None,
    };
    let counts = census.count(memory, &VmallocFrames::default(), &mut ())?;
    let of = |page_use| {
        let mut counts = counts
            .pages
            .iter()
            .filter(move |(key, _)| key.page_use == page_use);
        counts.by_ref().map(|(_, pages)| *pages).sum::<u64>()
    };
    let all: u64 = counts.pages.values().sum();
    Ok(of(PageUse::Absent) == 0 && of(PageUse::Free) * 10 <= all)
}

/// Copies, as the kernel does.
impl CopyMemory for PageStructs {
    fn window(&mut self, address: u64, len: u64) -> Result<Copied<'_>> {
        let len = (len as usize).next_multiple_of(Copied::PIECE).min(WINDOW);
        let start = address as usize % self.sample.len();
        let first = len.min(self.sample.len() - start);
        self.copied[..first].copy_from_slice(&self.sample[start..start + first]);
        self.copied[first..len].copy_from_slice(&self.sample[..len - first]);
        Ok(Copied {
            bytes: &self.copied[..len],
            readable: u32::MAX,
        })
    }
}
