//! A running trace: attach, steer, end.

use std::{fs, os::fd::AsFd as _, os::fd::AsRawFd as _};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, Pod,
    maps::{Array, MapData, PerCpuArray, Queue},
};
use rustix::process::{Resource, Rlimit, setrlimit};
use tracer_ebpf::{Control, FIRST_SITE, LAST_EPOCH, Tally, maps};

use super::{
    Capture, KernelLog, Losses, PageArray, Scope, SiteTable, SlotTable,
    hooks::{Hook, Hooks},
    object::{self, Constants},
    tracefs::Offsets,
};
use crate::kernel::fdinfo;

/// What to trace, and how.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Number of page frames that get a slot.
    pub frames: u64,
    /// Which allocations are recorded.
    pub scope: Scope,
    /// The value of `MIGRATE_MOVABLE` in this kernel.
    pub movable: u32,
    /// How many call sites the site table holds.
    pub max_sites: u32,
    /// Where `struct page` pointers point to; none to use classic tracepoints.
    pub page_array: Option<PageArray>,
    /// Whether the programs send messages.
    pub verbose: bool,
}

/// Programs that are attached and recording. Dropping it detaches them; so does
/// the kernel, when this process dies.
pub struct Tracer {
    ebpf: Ebpf,
    hooks: Hooks,
    control: Array<MapData, ControlWire>,
    tally: PerCpuArray<MapData, TallyWire>,
    slots: SlotTable,
    sites: SiteTable,
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct ControlWire(Control);

#[derive(Clone, Copy)]
#[repr(transparent)]
struct TallyWire(Tally);

// SAFETY: `repr(C)` words without padding; any bit pattern is a value.
unsafe impl Pod for ControlWire {}
// SAFETY: as above.
unsafe impl Pod for TallyWire {}

impl Tracer {
    /// Creates the tables, loads the programs and attaches them.
    pub fn attach(settings: &Settings) -> Result<Self> {
        let hook = if settings.page_array.is_some() {
            Hook::Raw
        } else {
            Hook::Classic
        };
        lift_memlock_limit();
        let mut ebpf = object::load(&constants(settings, hook)?)?;
        fill_free_sites(&mut ebpf, settings.max_sites)?;
        let slots = SlotTable::map(&ebpf, settings.frames)?;
        let sites = SiteTable::map(&mut ebpf, settings.max_sites)?;
        let control = Array::try_from(take(&mut ebpf, maps::CONTROL)?)?;
        let tally = PerCpuArray::try_from(take(&mut ebpf, maps::TALLY)?)?;
        let hooks = Hooks::attach(&mut ebpf, hook)?;
        Ok(Self {
            ebpf,
            hooks,
            control,
            tally,
            slots,
            sites,
        })
    }

    /// The programs' messages; to be asked for once.
    pub fn kernel_log(&mut self) -> Result<KernelLog> {
        KernelLog::open(&mut self.ebpf)
    }

    /// Stamps pages taken from now on with `epoch`.
    pub fn set_epoch(&mut self, epoch: u32) -> Result<()> {
        let control = ControlWire(Control {
            epoch: epoch.min(LAST_EPOCH),
        });
        self.control
            .set(0, control, 0)
            .context("cannot set the epoch")
    }

    /// Records no further allocation, only frees.
    pub fn drain(&mut self) -> Result<()> {
        self.hooks.detach_alloc(&mut self.ebpf)
    }

    /// Bytes of kernel memory that the slot table takes.
    pub fn slot_table_bytes(&self) -> usize {
        size_of_val::<[_]>(&self.slots)
    }

    /// Pages outstanding so far.
    pub fn outstanding_pages(&self) -> Result<u64> {
        Ok(self.tally()?.outstanding())
    }

    /// Detaches the programs and hands over what they recorded.
    pub fn finish(mut self) -> Result<Capture> {
        self.hooks.detach_alloc(&mut self.ebpf)?;
        self.hooks.detach_free(&mut self.ebpf)?;
        let tally = self.tally()?;
        let losses = Losses {
            recursion_misses: self.recursion_misses()?,
            site_table_full: tally.site_table_full,
            failed_unwinds: tally.failed_unwinds,
            unmatched_frees: tally.unmatched_frees,
            out_of_range: tally.allocations_out_of_range + tally.frees_out_of_range,
            failed_allocations: tally.failed_allocations,
        };
        Ok(Capture {
            slots: self.slots,
            sites: self.sites,
            taken_pages: tally.marked,
            losses,
        })
    }

    fn tally(&self) -> Result<Tally> {
        let per_cpu = self.tally.get(&0, 0).context("cannot read the counters")?;
        let mut sum = Tally::default();
        per_cpu.iter().for_each(|TallyWire(tally)| sum.add(tally));
        Ok(sum)
    }

    fn recursion_misses(&self) -> Result<Option<u64>> {
        let programs = self.hooks.programs();
        programs
            .into_iter()
            .map(|name| recursion_misses(&self.ebpf, name))
            .sum()
    }
}

/// Before Linux 5.11, maps counted against this limit. Where it cannot be
/// lifted, creating the maps says what is wrong.
fn lift_memlock_limit() {
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    let _ = setrlimit(Resource::Memlock, unlimited);
}

fn constants(settings: &Settings, hook: Hook) -> Result<Constants> {
    let offsets = match hook {
        Hook::Raw => Offsets::default(),
        Hook::Classic => Offsets::read()?,
    };
    Ok(Constants {
        page_array: settings.page_array.unwrap_or(PageArray {
            base: 0,
            page_struct_size: 1,
        }),
        frames: settings.frames,
        skipped_migratetype: (settings.scope == Scope::Kernel).then_some(settings.movable),
        max_sites: settings.max_sites,
        offsets,
        verbose: settings.verbose,
    })
}

fn fill_free_sites(ebpf: &mut Ebpf, max_sites: u32) -> Result<()> {
    let map = ebpf
        .map_mut(maps::FREE_SITES)
        .context("the BPF object lacks a map")?;
    let mut free = Queue::try_from(map)?;
    for id in FIRST_SITE..object::site_entries(max_sites) {
        free.push(id, 0)
            .context("cannot fill the queue of free sites")?;
    }
    Ok(())
}

fn take(ebpf: &mut Ebpf, name: &str) -> Result<aya::maps::Map> {
    ebpf.take_map(name)
        .with_context(|| format!("the BPF object has no map {name}"))
}

fn recursion_misses(ebpf: &Ebpf, name: &str) -> Result<Option<u64>> {
    let program = ebpf
        .program(name)
        .context("the BPF object lacks a program")?;
    let fd = match program {
        aya::programs::Program::RawTracePoint(program) => program.fd(),
        aya::programs::Program::TracePoint(program) => program.fd(),
        _ => anyhow::bail!("{name} is not a tracepoint program"),
    }?;
    let path = format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd());
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(fdinfo::recursion_misses(&text))
}
