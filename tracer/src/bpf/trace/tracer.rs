//! A running trace: attach, steer, end.

use std::{collections::BTreeSet, ops::Range, os::fd::OwnedFd, sync::atomic::Ordering};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, Pod,
    maps::{Array, MapData, PerCpuArray},
};
use rustix::process::{Resource, Rlimit, setrlimit};
use tracer_ebpf::{
    Control, Counters, LAST_EPOCH, Slot, TracefsConfig, maps, unwind::UnwindControl,
};

use super::{
    BulkAllocator, Capture, Filters, KernelLog, SiteTable, SlotTable, Unwinding,
    bulk::BulkHook,
    code, config, load,
    losses::losses,
    misses::recursion_misses,
    rules::StackLearner,
    site_ids::{SiteIds, wait_for_programs},
    tables::{merge_epochs, take},
};
use crate::{
    bpf::{
        MovableGfp, PageArray,
        hooks::{Hook, Hooks},
        tracefs,
    },
    kernel::kallsyms::InterruptEntries,
    model::{Limitation, ProgramTime, RecursionMisses, Takers, TracerFrames},
};

/// What to trace, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The page frames that get a slot, in ascending order: at most [`MOST_SPANS`](super::MOST_SPANS)
    /// pieces, at multiples of [`SPAN_ALIGNMENT`](super::SPAN_ALIGNMENT).
    pub spans: Vec<Range<u64>>,
    /// Which allocations are recorded.
    pub filters: Filters,
    /// Whom call sites with the same stack are told apart by, if by anybody.
    pub takers: Option<Takers>,
    /// The value of `MIGRATE_MOVABLE` in this kernel.
    pub movable: u32,
    /// The flags by which movable pages are told apart.
    pub movable_gfp: MovableGfp,
    /// This process's id in the initial namespace.
    pub own_process: u32,
    /// How many call sites the site table holds.
    pub max_sites: u32,
    /// The largest order of the kernel's page allocator.
    pub largest_order: u32,
    /// Where `struct page` pointers point to; none to use tracefs tracepoints.
    pub page_array: Option<PageArray>,
    /// The kernel's bulk allocator, or why its pages cannot be seen.
    pub bulk: Result<BulkAllocator, Limitation>,
    /// Where interrupts enter the kernel.
    pub interrupt_entries: InterruptEntries,
    /// How stacks are unwound.
    pub unwinding: Unwinding,
    /// Whether the kernel counts the events that it keeps from programs on tracefs tracepoints.
    pub counts_tracefs_misses: bool,
    /// Whether the programs send messages.
    pub verbose: bool,
}

/// Programs that are attached and recording. Dropping it detaches them; so does
/// the kernel, when this process dies.
pub struct Tracer {
    ebpf: Ebpf,
    hooks: Hooks,
    bulk: BulkHook,
    counts_tracefs_misses: bool,
    control: Array<MapData, ControlWire>,
    epoch: u32,
    /// None if the kernel unwinds every stack.
    learner: Option<StackLearner>,
    counters: PerCpuArray<MapData, CountersWire>,
    slots: SlotTable,
    sites: SiteTable,
    site_ids: SiteIds,
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

impl Tracer {
    /// Creates the tables, loads the programs and attaches them.
    pub fn attach(settings: &Settings) -> Result<Self> {
        let hook = if settings.page_array.is_some() {
            Hook::Raw
        } else {
            Hook::Tracefs
        };
        lift_memlock_limit();
        let offsets = match hook {
            Hook::Raw => TracefsConfig::default(),
            Hook::Tracefs => tracefs::offsets()?,
        };
        let mut ebpf = load::load(settings, offsets)?;
        let site_ids = SiteIds::fill(&mut ebpf, settings.max_sites)?;
        let slots = SlotTable::map(&ebpf, &settings.spans)?;
        let interrupts = config::interrupt_code(&settings.interrupt_entries);
        let takers = settings.takers;
        let sites = SiteTable::map(&mut ebpf, settings.max_sites, interrupts, takers)?;
        let learner = match settings.unwinding {
            Unwinding::Kernel => None,
            Unwinding::Stack { by, .. } => {
                let entries = &settings.interrupt_entries;
                Some(StackLearner::open(&mut ebpf, by, entries)?)
            }
        };
        let control = Array::try_from(take(&mut ebpf, maps::CONTROL)?)?;
        let counters = PerCpuArray::try_from(take(&mut ebpf, maps::COUNTERS)?)?;
        let mut bulk = BulkHook::load(&mut ebpf, &settings.bulk);
        let hooks = Hooks::attach(&mut ebpf, hook).map_err(|error| explain(error, settings))?;
        // Last: what it marks is freed under the eyes of the others.
        bulk.attach(&mut ebpf);
        Ok(Self {
            ebpf,
            hooks,
            bulk,
            counts_tracefs_misses: settings.counts_tracefs_misses,
            control,
            epoch: 0,
            learner,
            counters,
            slots,
            sites,
            site_ids,
        })
    }

    /// The programs' messages; to be asked for once.
    pub fn kernel_log(&mut self) -> Result<KernelLog> {
        KernelLog::open(&mut self.ebpf)
    }

    /// Stamps pages taken from now on with `epoch`.
    pub fn set_epoch(&mut self, epoch: u32) -> Result<()> {
        self.epoch = epoch.min(LAST_EPOCH);
        self.steer()
    }

    /// A descriptor that is readable when there are stacks to [`learn`](Self::learn) from; none
    /// if the kernel unwinds every stack.
    pub fn samples(&self) -> Result<Option<OwnedFd>> {
        self.learner
            .as_ref()
            .map(StackLearner::descriptor)
            .transpose()
    }

    /// Learns rules from the next stack that no rules led through; gives whether there was one.
    pub fn learn(&mut self) -> Result<bool> {
        let Some(learner) = &mut self.learner else {
            return Ok(false);
        };
        let learned = learner.learn();
        if learned {
            self.steer()?;
        }
        Ok(learned)
    }

    /// Tells the programs what changes while they run.
    fn steer(&mut self) -> Result<()> {
        let control = ControlWire(Control {
            epoch: self.epoch,
            unwind: self.unwind_control(),
        });
        self.control
            .set(0, control, 0)
            .context("cannot steer the programs")
    }

    /// What the rules have come to.
    fn unwind_control(&self) -> UnwindControl {
        let learner = self.learner.as_ref();
        learner.map(StackLearner::control).unwrap_or_default()
    }

    /// Gives the pages of each epoch to the epoch that `into` has at its place; the present epoch
    /// must stay what it is.
    pub fn merge_epochs(&self, into: &[u32]) -> Result<()> {
        // A program that began long ago may still mark pages with an epoch that is over.
        wait_for_programs()?;
        merge_epochs(self.slots.all(), into);
        Ok(())
    }

    /// The sites that a stack leads to now.
    pub fn sites_in_use(&self) -> Result<BTreeSet<u32>> {
        self.sites.in_use()
    }

    /// Has the ids of these sites used again, but for those that a page has after all, which it gives:
    /// no stack leads to them any more. The others' stacks get new ids when they come by. It takes two
    /// grace periods of RCU, some ten milliseconds each.
    ///
    /// A program that found one of them in the hash before its key was taken out reads the id after
    /// that, and the kernel may have given the room to another key by then: but only to one that this
    /// very CPU meets before the first grace period is over.
    pub fn reuse_sites(&mut self, mut ids: BTreeSet<u32>) -> Result<BTreeSet<u32>> {
        self.sites.forget(&ids)?;
        // From here on, nobody learns of them.
        wait_for_programs()?;
        self.forget_sites_in_mind()?;
        // From here on, nobody marks a page with them.
        wait_for_programs()?;
        let mut left = BTreeSet::new();
        for slot in self.slots.all() {
            left.extend(ids.take(&Slot(slot.load(Ordering::Relaxed)).site()));
        }
        for &id in &ids {
            self.sites.reset(id)?;
        }
        self.site_ids.put_back(ids)?;
        // Those that found no free id shall look for one again.
        self.forget_sites_in_mind()?;
        Ok(left)
    }

    fn forget_sites_in_mind(&mut self) -> Result<()> {
        self.site_ids.forget_known()?;
        if let Some(learner) = &mut self.learner {
            learner.forget_unwinds();
        }
        self.steer()
    }

    /// Records no further allocation, only frees.
    pub fn drain(&mut self) -> Result<()> {
        self.bulk.detach(&mut self.ebpf)?;
        self.hooks.detach_alloc(&mut self.ebpf)
    }

    /// The slot of each page frame. The programs may be writing to it.
    pub const fn slots(&self) -> &SlotTable {
        &self.slots
    }

    /// The sites that slots name.
    pub fn sites(&self) -> &SiteTable {
        &self.sites
    }

    /// Why bulk allocations are not seen, if they are not.
    pub const fn bulk_limitation(&self) -> Option<&Limitation> {
        self.bulk.limitation()
    }

    /// Bytes of kernel memory that the slot table takes.
    pub fn slot_table_bytes(&self) -> usize {
        size_of_val(self.slots.all())
    }

    /// Pages outstanding so far.
    pub fn outstanding_pages(&self) -> Result<u64> {
        Ok(self.counters()?.outstanding())
    }

    /// Detaches the programs and gives what they recorded; the tables are there as long as this is.
    pub fn finish(&mut self) -> Result<Capture> {
        self.drain()?;
        self.hooks.detach_free(&mut self.ebpf)?;
        self.capture()
    }

    /// What the programs have recorded so far. They go on meanwhile, so its numbers are those of
    /// moments that are next to each other.
    pub fn capture(&mut self) -> Result<Capture> {
        let counters = self.counters()?;
        let taken = counters.allocations();
        let mut losses = losses(&counters, self.recursion_misses()?);
        losses.unwind_rules = self.learner.is_some().then(|| counters.unwind.into());
        losses.mismatched_sites = self.sites.close(taken.nested)?;
        if self.bulk_limitation().is_some() {
            losses.unread_bulk_pages = None;
        }
        Ok(Capture {
            program_time: self.program_time()?,
            tracer_frames: self.tracer_frames()?,
            taken_pages: taken.pages,
            losses,
        })
    }

    /// Tracefs tracepoints hand over registers that lie beyond the program
    /// (`bpf_get_stack_tp`, kernel/trace/bpf_trace.c); other stacks begin with the program.
    fn tracer_frames(&self) -> Result<TracerFrames> {
        let [alloc, _] = self.hooks.programs();
        let programs = [alloc].into_iter().chain(self.bulk.program());
        let ranges: Result<Vec<_>> = programs
            .map(|name| code::ranges(&self.ebpf, name))
            .collect();
        Ok(TracerFrames {
            programs: ranges?.concat(),
            begin_stacks: self.hooks.hook() == Hook::Raw,
            measured: self.unwind_control().frames_below as usize,
        })
    }

    /// None unless `kernel.bpf_stats_enabled`, or another tool, has the kernel measure it.
    fn program_time(&self) -> Result<Option<ProgramTime>> {
        let mut sum = ProgramTime::default();
        let [alloc, free] = self.hooks.programs();
        for name in [alloc, free].into_iter().chain(self.bulk.program()) {
            let program = self.ebpf.program(name);
            let info = program.context("the BPF object lacks a program")?.info()?;
            sum.runs += info.run_count();
            sum.nanoseconds += info.run_time().as_nanos() as u64;
        }
        Ok((sum.runs > 0).then_some(sum))
    }

    fn counters(&self) -> Result<Counters> {
        let per_cpu = self
            .counters
            .get(&0, 0)
            .context("cannot read the counters")?;
        let mut sum = Counters::default();
        per_cpu.iter().for_each(|CountersWire(cpu)| sum.add(cpu));
        Ok(sum)
    }

    fn recursion_misses(&self) -> Result<RecursionMisses> {
        let [alloc, free] = self.hooks.programs();
        let counted = self.counts_tracefs_misses;
        let misses = |name| recursion_misses(&self.ebpf, name, counted);
        Ok(RecursionMisses {
            alloc: misses(alloc)?,
            free: misses(free)?,
            bulk: self.bulk.program().map_or(Ok(None), misses)?,
        })
    }
}

/// Names the option that old kernels have no helper for.
fn explain(error: anyhow::Error, settings: &Settings) -> anyhow::Error {
    match settings.filters.cgroup {
        Some(_) => error.context(
            "--cgroup may need a later kernel, whose programs can ask for a cgroup's ancestors \
             (Linux 6.1 has it, 5.10 has not)",
        ),
        None => error,
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
