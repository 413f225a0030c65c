//! The programs themselves, run by the kernel on made-up arguments.

use std::{
    os::fd::{AsFd as _, AsRawFd as _},
    sync::atomic::AtomicU32,
};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader, Pod, include_bytes_aligned,
    maps::{Array, Map, MapData, PerCpuArray, Queue},
    programs::{RawTracePoint, RawTracePointRunOptions, TestRun as _},
};
use memmap2::{MmapOptions, MmapRaw};
use tracer_ebpf::{
    Control, Counters, FIRST_SITE, NO_MIGRATETYPE, NOBODY, constants, maps, programs,
};

use super::{Event, Filters, Page, Settings};

static OBJECT: &[u8] = include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tracer/bpf/pagetrace.bpf.o"
));

/// Where the `struct page` of page frame 0 is said to be (`VMEMMAP_START` of x86-64).
const PAGE_ARRAY: u64 = 0xffff_ea00_0000_0000;

/// Programs that are loaded and attached to nothing.
pub struct Programs {
    settings: Settings,
    ebpf: Ebpf,
    slots: MmapRaw,
    control: Array<MapData, ControlWire>,
    counters: PerCpuArray<MapData, CountersWire>,
    site_pages: PerCpuArray<MapData, u64>,
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct ControlWire(Control);

#[derive(Clone, Copy)]
#[repr(transparent)]
struct CountersWire(Counters);

// SAFETY: `repr(C)` words without padding; any bit pattern is a value.
unsafe impl Pod for ControlWire {}
// SAFETY: as above.
unsafe impl Pod for CountersWire {}

impl Programs {
    /// Loads the programs and their tables, which needs root.
    pub fn load(settings: Settings) -> Result<Self> {
        let mut ebpf = object(&settings)?;
        fill_free_sites(&mut ebpf, settings)?;
        for name in [programs::PAGE_ALLOC, programs::PAGE_FREE] {
            program(&mut ebpf, name)?.load()?;
        }
        Ok(Self {
            settings,
            slots: map_slots(&ebpf, settings)?,
            control: take(&mut ebpf, maps::CONTROL)?.try_into()?,
            counters: take(&mut ebpf, maps::COUNTERS)?.try_into()?,
            site_pages: take(&mut ebpf, maps::SITE_PAGES)?.try_into()?,
            ebpf,
        })
    }

    /// Has the kernel run the program that the event is for.
    pub fn apply(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Allocation {
                page,
                order,
                gfp,
                migratetype,
            } => {
                let args = [
                    self.pointer(page),
                    order.into(),
                    gfp.into(),
                    migratetype.into(),
                ];
                self.run(programs::PAGE_ALLOC, &args)
            }
            Event::Free { page, order } => {
                let args = [self.pointer(page), order.into()];
                self.run(programs::PAGE_FREE, &args)
            }
            Event::Epoch(epoch) => Ok(self.control.set(
                0,
                ControlWire(Control {
                    epoch,
                    ..Control::default()
                }),
                0,
            )?),
        }
    }

    /// The slot of every page frame.
    pub fn slots(&self) -> &[AtomicU32] {
        let len = self.slots.len() / size_of::<AtomicU32>();
        // SAFETY: the mapping is page-aligned, `len` words long and lives as
        // long as `self`; every change from outside is that of a whole word.
        unsafe { std::slice::from_raw_parts(self.slots.as_ptr().cast(), len) }
    }

    /// Pages ever recorded, by site id.
    pub fn site_pages(&self) -> Result<Vec<u64>> {
        (0..self.settings.site_entries())
            .map(|id| Ok(self.site_pages.get(&id, 0)?.iter().sum()))
            .collect()
    }

    /// The counters of all CPUs.
    pub fn counters(&self) -> Result<Counters> {
        let mut sum = Counters::default();
        let per_cpu = self.counters.get(&0, 0)?;
        per_cpu
            .iter()
            .for_each(|CountersWire(counters)| sum.add(counters));
        Ok(sum)
    }

    const fn pointer(&self, page: Page) -> u64 {
        let size = self.settings.page_struct_size;
        match page {
            Page::Null => 0,
            Page::Frame(frame) => PAGE_ARRAY + frame * size,
            Page::Before(pages) => PAGE_ARRAY - pages * size,
        }
    }

    fn run(&mut self, name: &str, args: &[u64]) -> Result<()> {
        let mut options = RawTracePointRunOptions::new();
        options.args[..args.len()].copy_from_slice(args);
        let program = program(&mut self.ebpf, name)?;
        program
            .test_run(options)
            .context("the kernel cannot run a raw tracepoint by hand")?;
        Ok(())
    }
}

/// The id that the programs see of this process.
fn own_process() -> Result<u32> {
    let mut ebpf = EbpfLoader::new().load(OBJECT)?;
    let program = program(&mut ebpf, programs::OWN_PROCESS)?;
    program.load()?;
    let result = program.test_run(RawTracePointRunOptions::new());
    Ok(result?.return_value)
}

fn object(settings: &Settings) -> Result<Ebpf> {
    let skipped = settings.skipped_migratetype.unwrap_or(NO_MIGRATETYPE);
    let silent = 0_u8;
    let Filters { orders, gfp, own } = &settings.filters;
    let own = if *own { own_process()? } else { NOBODY };
    let [least, greatest] = constants::RECORDED_ORDERS;
    let mut loader = EbpfLoader::new();
    loader
        .override_global(least, &orders.0, true)
        .override_global(greatest, &orders.1, true)
        .override_global(constants::GFP_REQUIRED, &gfp.0, true)
        .override_global(constants::GFP_EXCLUDED, &gfp.1, true)
        .override_global(constants::OWN_PROCESS, &own, true);
    loader
        .override_global(constants::PAGE_ARRAY, &PAGE_ARRAY, true)
        .override_global(
            constants::PAGE_STRUCT_SIZE,
            &settings.page_struct_size,
            true,
        )
        .override_global(constants::FRAMES, &settings.frames, true)
        .override_global(constants::SKIPPED_MIGRATETYPE, &skipped, true)
        .override_global(aya_log::LEVEL, &silent, true)
        .map_max_entries(maps::SLOTS, settings.chunks())
        .map_max_entries(maps::SITES, settings.site_entries())
        .map_max_entries(maps::SITE_PAGES, settings.site_entries())
        .map_max_entries(maps::FREE_SITES, settings.max_sites)
        // Twice as many: each CPU keeps some free elements of a hash to itself.
        .map_max_entries(maps::SITE_IDS, settings.max_sites * 2);
    Ok(loader.load(OBJECT)?)
}

fn fill_free_sites(ebpf: &mut Ebpf, settings: Settings) -> Result<()> {
    let map = ebpf
        .map_mut(maps::FREE_SITES)
        .context("no queue of sites")?;
    let mut free = Queue::try_from(map)?;
    for id in FIRST_SITE..settings.site_entries() {
        free.push(id, 0)?;
    }
    Ok(())
}

fn map_slots(ebpf: &Ebpf, settings: Settings) -> Result<MmapRaw> {
    let Some(Map::Array(map)) = ebpf.map(maps::SLOTS) else {
        anyhow::bail!("no slot table");
    };
    let len = settings.slots() * size_of::<u32>();
    Ok(MmapOptions::new()
        .len(len)
        .map_raw_read_only(map.fd().as_fd().as_raw_fd())?)
}

fn take(ebpf: &mut Ebpf, name: &str) -> Result<Map> {
    ebpf.take_map(name)
        .with_context(|| format!("no map {name}"))
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut RawTracePoint> {
    let program = ebpf
        .program_mut(name)
        .with_context(|| format!("no program {name}"))?;
    Ok(program.try_into()?)
}
