//! What it takes to look at page frames: where their structs lie, and what slabs and vmalloc have.

use std::time::Instant;

use anyhow::{Result, anyhow};
use jiff::Timestamp;

use crate::{
    bpf::{Features, KernelMemory, PageArray, PageCensus, VmallocSource},
    kernel::{
        btf::Btf,
        host,
        objects::{Places, Slabs},
        page_census::{BlockVisitor, PageCounts, Rests, VmallocFrames},
        page_struct::PageStruct,
        zoneinfo::Zone,
    },
    model::{Feature, Limitation},
};

/// The page frames of the running machine, looked at once.
pub(super) struct PageFrames {
    pub(super) memory: KernelMemory,
    pub(super) slabs: Slabs,
    /// This process's id in the initial namespace.
    pub(super) own_process: u32,
    array: PageArray,
    layout: PageStruct,
    zones: Vec<Zone>,
    rests: Rests,
    direct_map: Option<u64>,
    /// Page frames of vmalloc.
    pub(super) vmalloc: VmallocFrames,
}

/// A first look at all page frames.
pub(super) struct FirstLook<'a> {
    pub(super) frames: PageFrames,
    pub(super) btf: &'a Btf<'a>,
    /// When it began.
    pub(super) started: (Timestamp, Instant),
    /// What could not be found.
    pub(super) limitations: Vec<Limitation>,
}

/// Looks at all page frames for the first time, and hands over what `then` goes on with.
pub(super) fn first_look<T>(then: impl FnOnce(FirstLook<'_>) -> Result<T>) -> Result<T> {
    let blob = host::btf()?;
    let btf = Btf::parse(&blob)?;
    let kernel = Probed::probe()?;
    let mut limitations = Vec::new();
    let started = (Timestamp::now(), Instant::now());
    let frames = PageFrames::look(&btf, kernel, &mut limitations)?;
    then(FirstLook {
        frames,
        btf: &btf,
        started,
        limitations,
    })
}

/// What has to be known before page frames can be looked at.
#[derive(Clone, Copy)]
pub(super) struct Probed {
    pub(super) array: PageArray,
    /// This process's id in the initial namespace.
    pub(super) own_process: u32,
}

impl Probed {
    /// Asks the running kernel; an error where there are no page structs to look at.
    pub(super) fn probe() -> Result<Self> {
        let features = Features::probe()?;
        let array = features.page_array;
        Ok(Self {
            array: array.map_err(|it| anyhow!("cannot find the page structs: {}", it.reason))?,
            own_process: features.own_process,
        })
    }
}

/// Bytes of a page frame.
pub(super) fn page_size() -> u64 {
    rustix::param::page_size() as u64
}

impl PageFrames {
    /// Looks at all page frames for the first time, which tells where slabs are, and these tell what is
    /// of vmalloc.
    pub(super) fn look(
        btf: &Btf<'_>,
        kernel: Probed,
        limitations: &mut Vec<Limitation>,
    ) -> Result<Self> {
        let mut frames = Self::with_slabs(btf, kernel)?;
        let source = VmallocSource::of(btf).ok().zip(frames.places());
        match source {
            Some((source, places)) => {
                frames.vmalloc = source.frames(&mut frames.memory, &places, &frames.slabs);
            }
            None => {
                let reason =
                    "where vmalloc keeps its areas was not found: its pages are without a mark";
                limitations.push(Feature::VmallocCallers.degraded(reason));
            }
        }
        Ok(frames)
    }

    /// Looks at all page frames for the first time, which tells where slabs are.
    pub(super) fn with_slabs(btf: &Btf<'_>, kernel: Probed) -> Result<Self> {
        let Probed { array, own_process } = kernel;
        let mut memory = KernelMemory::open()?;
        let (layout, zones) = (PageStruct::of(btf)?, host::zones()?);
        let census = PageCensus {
            array,
            layout: &layout,
            zones: &zones,
            rests: None,
        };
        let counts = census.count(&mut memory, &VmallocFrames::default(), &mut ())?;
        let slabs = Slabs::new(counts.slabs);
        Ok(Self {
            memory,
            own_process,
            array,
            layout,
            zones,
            rests: counts.rests,
            direct_map: slabs.direct_map(page_size()),
            slabs,
            vmalloc: VmallocFrames::default(),
        })
    }

    /// Counts all page frames again, and shows the blocks of each zone in ascending order.
    pub(super) fn count(&mut self, visitor: &mut impl BlockVisitor) -> Result<PageCounts> {
        let census = PageCensus {
            array: self.array,
            layout: &self.layout,
            zones: &self.zones,
            rests: Some(&self.rests),
        };
        census.count(&mut self.memory, &self.vmalloc, visitor)
    }

    /// Which page frames pointers lead to; none where the kernel's memory is not laid out as is known.
    pub(super) fn places(&self) -> Option<Places> {
        let end = self.zones.iter().map(|zone| zone.frames.end).max()?;
        Some(Places::new(
            self.array.base,
            &self.layout,
            self.direct_map?,
            end,
            page_size(),
        ))
    }
}
