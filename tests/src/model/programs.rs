//! The programs themselves, run by the kernel on made-up arguments.

use std::{
    os::fd::{AsFd as _, AsRawFd as _},
    sync::atomic::AtomicU32,
};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, Pod,
    maps::{Array, HashMap, Map, MapData, PerCpuArray, PerCpuValues},
    programs::{Program, RawTracePoint, RawTracePointRunOptions, TestRun as _},
};
use memmap2::{MmapOptions, MmapRaw};
use tracer_ebpf::{Control, Counters, Site, maps, programs, unwind::UnwindControl};

use super::{
    ARRAYS, ENTRIES, Event, MadeUpStack, Page, PageArray, Settings, memory::KernelMemory, object,
    stacks::STACKS,
};

/// Programs that are loaded and attached to nothing.
pub struct Programs {
    settings: Settings,
    pub(super) ebpf: Ebpf,
    slots: MmapRaw,
    control: Array<MapData, ControlWire>,
    counters: PerCpuArray<MapData, CountersWire>,
    site_pages: PerCpuArray<MapData, u64>,
    memory: KernelMemory,
    stacks: [MadeUpStack; STACKS],
    epoch: u32,
    pub(super) unwind: UnwindControl,
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct ControlWire(Control);

#[derive(Clone, Copy)]
#[repr(transparent)]
struct CountersWire(Counters);

#[derive(Clone, Copy)]
#[repr(transparent)]
struct SiteWire(Site);

// SAFETY: `repr(C)` words without padding; any bit pattern is a value.
unsafe impl Pod for ControlWire {}
// SAFETY: as above.
unsafe impl Pod for CountersWire {}
// SAFETY: as above.
unsafe impl Pod for SiteWire {}

/// Bytes of an array of pages.
const ARRAY_LEN: u64 = (ENTRIES * size_of::<u64>()) as u64;
/// Where the page structs begin in the memory: behind the arrays, and a list.
const PAGES: u64 = (ARRAYS as u64 + 1) * ARRAY_LEN;
/// Where the list begins.
const LIST: u64 = ARRAYS as u64 * ARRAY_LEN;

impl Programs {
    /// Loads the programs and their tables, which needs root.
    pub fn load(settings: Settings) -> Result<Self> {
        let len = PAGES + settings.frames * settings.page_struct_size;
        let memory = KernelMemory::new(len as usize).context("cannot get memory of the kernel")?;
        let mut ebpf = object::load(&settings, memory.address + PAGES)?;
        Ok(Self {
            settings,
            slots: map_slots(&ebpf, settings)?,
            control: take(&mut ebpf, maps::CONTROL)?.try_into()?,
            counters: take(&mut ebpf, maps::COUNTERS)?.try_into()?,
            site_pages: take(&mut ebpf, maps::SITE_PAGES)?.try_into()?,
            ebpf,
            memory,
            stacks: MadeUpStack::all(),
            epoch: 0,
            unwind: UnwindControl::default(),
        })
    }

    /// Has the kernel run the program that the event is for.
    pub fn apply(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Allocation { depth, .. } | Event::Free { depth, .. } if *depth > 0 => {
                self.interrupt(*depth)?;
                self.run(event, None)?;
                self.interrupt(0)
            }
            Event::Epoch(epoch) => {
                self.epoch = *epoch;
                self.steer()
            }
            Event::Learn(known) if self.settings.check_every.is_some() => self.learn(*known),
            _ => self.run(event, None),
        }
    }

    /// Has the kernel run the program that an event is for, on a CPU or on this one. On
    /// another one it is an interrupt's.
    pub fn run(&self, event: &Event, cpu: Option<u32>) -> Result<()> {
        match event {
            Event::Allocation {
                page,
                order,
                gfp,
                migratetype,
                stack,
                ..
            } => {
                let [order, gfp, migratetype] = [*order, *gfp, *migratetype].map(u64::from);
                let arguments = [self.pointer(*page), order, gfp, migratetype];
                let context = self.stacks[*stack].above(arguments);
                self.run_program(programs::PAGE_ALLOC, &context, cpu)
            }
            Event::Free { page, order, .. } => {
                let args = [self.pointer(*page), (*order).into()];
                self.run_program(programs::PAGE_FREE, &args, cpu)
            }
            Event::BulkEntry(array) => {
                self.run_program(programs::BULK_ENTRY, &self.array(array), cpu)
            }
            Event::BulkExit(array, filled) => {
                let mut args = self.array(array);
                args[object::BULK_RESULT as usize] = *filled;
                self.run_program(programs::BULK_EXIT, &args, cpu)
            }
            Event::BulkList { gfp, new, old } => {
                self.run_program(programs::BULK_EXIT, &self.list(*gfp, new, old), cpu)
            }
            Event::Epoch(_) | Event::Learn(_) | Event::Know { .. } => Ok(()),
        }
    }

    /// Tells the programs what user space does.
    pub(super) fn steer(&mut self) -> Result<()> {
        let control = Control {
            epoch: self.epoch,
            unwind: self.unwind,
        };
        Ok(self.control.set(0, ControlWire(control), 0)?)
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

    /// The record of a site.
    pub fn site(&self, id: u32) -> Result<Site> {
        let map = self.ebpf.map(maps::SITES).context("no site table")?;
        let sites = Array::<_, SiteWire>::try_from(map)?;
        Ok(sites.get(&id, 0)?.0)
    }

    /// Each key of a site, with its id.
    pub fn keys(&self) -> Result<Vec<(u64, u32)>> {
        let map = self.ebpf.map(maps::SITE_IDS).context("no keys of sites")?;
        let ids = HashMap::<_, u64, u32>::try_from(map)?;
        ids.iter().map(|entry| Ok(entry?)).collect()
    }

    /// What stacks are unwound to, on each CPU.
    pub fn scratch(&self) -> Result<Vec<Site>> {
        let map = self.ebpf.map(maps::SCRATCH).context("no scratch")?;
        let scratch = PerCpuArray::<_, SiteWire>::try_from(map)?;
        Ok(scratch.get(&0, 0)?.iter().map(|site| site.0).collect())
    }

    /// The counters of all CPUs.
    pub fn counters(&self) -> Result<Counters> {
        let mut sum = Counters::default();
        let per_cpu = self.counters.get(&0, 0)?;
        per_cpu.iter().for_each(|CountersWire(cpu)| sum.add(cpu));
        Ok(sum)
    }

    /// As if the next run on any CPU interrupted so many others.
    fn interrupt(&mut self, depth: u64) -> Result<()> {
        let mut cpus = self.counters.get(&0, 0)?.to_vec();
        for CountersWire(cpu) in &mut cpus {
            cpu.alloc.depth = depth;
            cpu.free.depth = depth;
        }
        Ok(self.counters.set(0, PerCpuValues::try_from(cpus)?, 0)?)
    }

    pub(super) const fn pointer(&self, page: Page) -> u64 {
        let size = self.settings.page_struct_size;
        let first = self.memory.address + PAGES;
        match page {
            Page::Null => 0,
            Page::Frame(frame) => first + frame * size,
            Page::Before(pages) => first - pages * size,
        }
    }

    /// Lays out an array; gives the arguments of a call with it.
    fn array(&self, array: &PageArray) -> [u64; 7] {
        let offset = array.number as u64 * ARRAY_LEN;
        let entries = array.pages.iter().map(|&page| self.pointer(page));
        self.memory.write(offset, entries);
        let mut args = [
            u64::from(array.gfp),
            0,
            0,
            array.pages.len() as u64,
            0,
            0,
            0,
        ];
        args[object::BULK_ARRAY as usize] = self.memory.address + offset;
        args
    }

    /// Lays out a list; gives the arguments of a call with it, and what that returns.
    fn list(&self, gfp: u32, new: &[u64], old: &[u64]) -> [u64; 7] {
        let link =
            |frame| PAGES + frame * self.settings.page_struct_size + u64::from(object::PAGE_LIST);
        let links = new.iter().chain(old).map(|&frame| link(frame));
        let mut place = LIST;
        for next in links.chain([LIST]) {
            self.memory.write(place, [self.memory.address + next]);
            place = next;
        }
        let mut args = [
            u64::from(gfp),
            0,
            0,
            new.len() as u64,
            0,
            0,
            new.len() as u64,
        ];
        args[object::BULK_LIST as usize] = self.memory.address + LIST;
        args
    }

    pub(super) fn run_program(&self, name: &str, args: &[u64], cpu: Option<u32>) -> Result<()> {
        let mut options = RawTracePointRunOptions::new();
        options.args[..args.len()].copy_from_slice(args);
        options.cpu = cpu;
        let Some(Program::RawTracePoint(program)) = self.ebpf.program(name) else {
            anyhow::bail!("no program {name}");
        };
        give_up_vectors();
        program
            .test_run(options)
            .context("the kernel cannot run a raw tracepoint by hand")?;
        Ok(())
    }
}

/// Has the next system call come to its program by the stack of all others.
///
/// On arm64 the first call after instructions of SVE, which a copy of memory can be made of, is one that
/// drops their registers, and some compilers gave it a way of its own through `do_el0_svc`
/// (arch/arm64/kernel/syscall.c, Linux 6.1). Any call will do.
fn give_up_vectors() {
    let _ = rustix::process::getppid();
}

fn map_slots(ebpf: &Ebpf, settings: Settings) -> Result<MmapRaw> {
    let Some(Map::Array(map)) = ebpf.map(maps::SLOTS) else {
        anyhow::bail!("no slot table");
    };
    let len = settings.slots() * size_of::<u32>();
    Ok(MmapOptions::new()
        .len(len)
        .map_raw(map.fd().as_fd().as_raw_fd())?)
}

fn take(ebpf: &mut Ebpf, name: &str) -> Result<Map> {
    ebpf.take_map(name)
        .with_context(|| format!("no map {name}"))
}

/// A program of the object, all of which are raw tracepoints here.
pub(super) fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut RawTracePoint> {
    let program = ebpf
        .program_mut(name)
        .with_context(|| format!("no program {name}"))?;
    Ok(program.try_into()?)
}
