//! What the programs are told before they are loaded, as their constants.

use std::ops::Range;

use aya::{EbpfLoader, Pod};
use tracer_ebpf::{Code, InterruptCode, NO_MIGRATETYPE, constants};

use super::{Settings, Unwinding};
use crate::{bpf::tracefs::Offsets, kernel::kallsyms::InterruptEntries, model::Scope};

/// The most seldom that stacks can be checked.
const MOST_SELDOM: u64 = 1 << 31;

/// The constants by width, each with its name.
pub(super) struct Globals {
    words: Vec<(&'static str, u64)>,
    halves: Vec<(&'static str, u32)>,
}

impl Globals {
    pub(super) fn new(settings: &Settings, offsets: &Offsets) -> Self {
        Self {
            words: words(settings),
            halves: halves(settings, offsets),
        }
    }

    /// Has the loader set all of them.
    pub(super) fn override_in<'a>(&'a self, loader: &mut EbpfLoader<'a>) {
        set(loader, &self.words);
        set(loader, &self.halves);
    }
}

fn set<'a, T: Pod>(loader: &mut EbpfLoader<'a>, values: &'a [(&'static str, T)]) {
    for (name, value) in values {
        loader.override_global(name, value, true);
    }
}

fn words(settings: &Settings) -> Vec<(&'static str, u64)> {
    let cgroup = settings.filters.cgroup;
    let mut words = vec![
        (constants::FRAMES, settings.frames),
        (constants::ONLY_CGROUP, cgroup.map_or(0, |cgroup| cgroup.id)),
    ];
    let frames = settings.filters.frame_bounds();
    words.extend(constants::RECORDED_FRAMES.into_iter().zip(frames));
    let namespace = settings.filters.namespace();
    words.extend(constants::NAMESPACE.into_iter().zip(namespace));
    words.extend(interrupt_entries(&settings.interrupt_entries));
    // Where there is none, the programs that use it are not loaded.
    if let Some(array) = settings.page_array {
        words.extend([
            (constants::PAGE_ARRAY, array.base),
            (constants::PAGE_STRUCT_SIZE, array.layout.size),
            (constants::PAGE_LIST_OFFSET, array.layout.list.unwrap_or(0)),
        ]);
    }
    words
}

fn interrupt_entries(entries: &InterruptEntries) -> impl Iterator<Item = (&'static str, u64)> {
    let InterruptCode { irq, softirq } = interrupt_code(entries);
    let codes = [
        (constants::IRQ_ENTRY, irq),
        (constants::SOFTIRQ_ENTRY, softirq),
    ];
    let named = codes.map(|(names, code)| names.into_iter().zip([code.start, code.len]));
    named.into_iter().flatten()
}

/// Where interrupts enter the kernel, in the programs' terms.
pub(super) fn interrupt_code(entries: &InterruptEntries) -> InterruptCode {
    let code = |range: &Range<u64>| Code {
        start: range.start,
        len: range.end.saturating_sub(range.start),
    };
    InterruptCode {
        irq: code(&entries.irq),
        softirq: code(&entries.softirq),
    }
}

fn halves(settings: &Settings, offsets: &Offsets) -> Vec<(&'static str, u32)> {
    let filters = &settings.filters;
    let skipped = match filters.scope {
        Scope::Kernel => settings.movable,
        Scope::All => NO_MIGRATETYPE,
    };
    let level = filters.cgroup.map_or(0, |cgroup| cgroup.level);
    let mut halves = vec![
        (constants::SKIPPED_MIGRATETYPE, skipped),
        (constants::USER_GFP, settings.movable_gfp.user),
        (constants::GFP_REQUIRED, filters.gfp.required),
        (constants::GFP_EXCLUDED, filters.gfp.excluded),
        (constants::OWN_PROCESS, settings.own_process),
        (constants::ONLY_PROCESS, filters.only_process()),
        (constants::CGROUP_LEVEL, level.cast_unsigned()),
    ];
    if let Unwinding::Templates { check_every, cast } = settings.unwinding {
        halves.push((constants::CHECK_EVERY, check_every.min(MOST_SELDOM) as u32));
        halves.push((constants::USE_TEMPLATES, 1));
        halves.push((constants::READ_STACK, u32::from(cast.is_some())));
    }
    let balloon = [
        settings.movable_gfp.balloon_mask,
        settings.movable_gfp.balloon,
    ];
    halves.extend(constants::BALLOON_GFP.into_iter().zip(balloon));
    let orders = filters.order_bounds();
    halves.extend(constants::RECORDED_ORDERS.into_iter().zip(orders));
    if let Ok(allocator) = &settings.bulk {
        let arguments = allocator.arguments();
        halves.extend(constants::BULK_ARGUMENTS.into_iter().zip(arguments));
    }
    halves.extend(offsets.named().map(|(name, &offset)| (name, offset)));
    halves
}
