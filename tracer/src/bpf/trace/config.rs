//! What the trace's programs are told before they are loaded.

use std::ops::Range;

use aya::Pod;
use tracer_ebpf::{
    BulkConfig, Code, FilterConfig, InterruptCode, NO_MIGRATETYPE, PageConfig, TraceConfig,
    TracefsConfig, UnwindConfig, UserMemoryConfig, taker, unwinding,
};

use super::{Layout, Settings, Unwinding, load::places};
use crate::{
    kernel::kallsyms::InterruptEntries,
    model::{Scope, Takers},
};

/// The most seldom that stacks can be checked.
const MOST_SELDOM: u64 = 1 << 31;

/// The record as the loader takes it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct ConfigWire(TraceConfig);

// SAFETY: `repr(C)` words without padding; any bit pattern is a value.
unsafe impl Pod for ConfigWire {}

/// The record for these settings; the tracefs tracepoints have their fields at these offsets.
pub(super) fn config(settings: &Settings, tracefs: TracefsConfig) -> ConfigWire {
    const DEFAULT: TraceConfig = TraceConfig::DEFAULT;
    let page_list = settings.page_array.and_then(|array| array.layout.list);
    ConfigWire(TraceConfig {
        // Without the array, the programs that use it are not loaded.
        pages: settings.page_array.map_or(DEFAULT.pages, PageConfig::from),
        spans: places(&settings.spans),
        largest_order: settings.largest_order.into(),
        taker: match settings.takers {
            None => taker::ANYBODY,
            Some(Takers::Process) => taker::PROCESS,
            Some(Takers::Cgroup) => taker::CGROUP,
        },
        filters: filters(settings),
        interrupts: interrupt_code(&settings.interrupt_entries),
        unwind: unwind(settings.unwinding).unwrap_or(DEFAULT.unwind),
        bulk: settings
            .bulk
            .as_ref()
            .map_or(DEFAULT.bulk, BulkConfig::from),
        tracefs,
        // An offset in a `struct page`, which is small.
        page_list: page_list.unwrap_or(0) as u32,
        own_process: settings.own_process,
        unused: 0,
    })
}

/// Where interrupts enter the kernel, in the programs' terms.
pub(super) fn interrupt_code(entries: &InterruptEntries) -> InterruptCode {
    let code = |range: &Range<u64>| Code {
        start: range.start,
        len: range.end.saturating_sub(range.start),
    };
    InterruptCode {
        irq: entries.irq.each_ref().map(code),
        softirq: code(&entries.softirq),
    }
}

fn filters(settings: &Settings) -> FilterConfig {
    let filters = &settings.filters;
    FilterConfig {
        user_memory: UserMemoryConfig {
            migratetype: match filters.scope {
                Scope::Kernel => settings.movable,
                Scope::All => NO_MIGRATETYPE,
            },
            gfp: settings.movable_gfp.user,
            balloon_mask: settings.movable_gfp.balloon_mask,
            balloon: settings.movable_gfp.balloon,
        },
        ..filters.config()
    }
}

fn unwind(how: Unwinding) -> Option<UnwindConfig> {
    let Unwinding::Stack {
        by,
        check_every,
        cast,
    } = how
    else {
        return None;
    };
    let (by, registers) = match by {
        Layout::Rules => (unwinding::RULES, 0),
        Layout::Records { registers } => (unwinding::RECORDS, registers),
    };
    Some(UnwindConfig {
        by,
        in_place: u32::from(cast.is_some()),
        check_every: check_every.min(MOST_SELDOM) as u32,
        registers,
    })
}
