//! The kernel's own count of the page allocations of one task.
//!
//! Counters of `perf_event_open` on the classic tracepoint, one per order: they
//! share no code with pagetrace, and no map, stack or table that could lose anything.

use std::{ffi::CString, io, os::fd::AsRawFd as _};

use perf_event::{Builder, Counter, events::Tracepoint};

use crate::{announcement::PagesByOrder, tracefs};

const MAX_ORDER: u32 = tracer_ebpf::MAX_ORDER;
const MIGRATE_MOVABLE: u32 = 1;

/// Counters of the page allocations that the calling task makes: those that succeed
/// and are its own work rather than that of an interrupt which happened to hit it.
pub struct PageEvents {
    /// By order. The first leads the group: it starts and stops them all at once.
    /// (A software event as leader, `perf_event::Group`'s way, leaves them at 0 on Linux 6.18.)
    counters: Vec<Counter>,
}

impl PageEvents {
    /// Opens counters of pages that are not movable, the tool's default scope.
    /// That needs root.
    pub fn of_this_task() -> io::Result<Self> {
        Self::open(&format!("migratetype != {MIGRATE_MOVABLE} && "))
    }

    /// Opens counters of all pages, as the tool's `--scope all` has it.
    pub fn with_movable_pages() -> io::Result<Self> {
        Self::open("")
    }

    fn open(scope: &str) -> io::Result<Self> {
        let tracepoint = Tracepoint::with_id(tracefs::tracepoint_id("kmem", "mm_page_alloc")?);
        let mut builder = Builder::new(tracepoint);
        builder.any_cpu().include_kernel();
        let mut counters = vec![of_order(0, scope, builder.build()?)?];
        for order in 1..=MAX_ORDER {
            let member = builder.build_with_group(&mut counters[0])?;
            counters.push(of_order(order, scope, member)?);
        }
        Ok(Self { counters })
    }

    /// Does `work` and counts the pages it allocates, by the order of the allocations.
    pub fn count(&mut self, work: impl FnOnce() -> io::Result<()>) -> io::Result<PagesByOrder> {
        self.counters[0].reset_group()?;
        self.counters[0].enable_group()?;
        let done = work();
        self.counters[0].disable_group()?;
        done?;
        self.pages()
    }

    fn pages(&mut self) -> io::Result<PagesByOrder> {
        let mut pages = PagesByOrder::new();
        for (order, counter) in (0..).zip(&mut self.counters) {
            match counter.read()? {
                0 => {}
                events => drop(pages.insert(order, events << order)),
            }
        }
        Ok(pages)
    }
}

/// Has the counter count allocations of one order only, and within a scope.
fn of_order(order: u32, scope: &str, counter: Counter) -> io::Result<Counter> {
    let filter = CString::new(scope.to_owned() + &filter(order))?;
    // SAFETY: the kernel only reads the string, and it ends with a zero.
    let result = unsafe {
        perf_event_open_sys::ioctls::SET_FILTER(counter.as_raw_fd(), filter.as_ptr().cast_mut())
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(counter)
    }
}

/// An all-ones frame number is a failed allocation, and 24 is
/// `TRACE_FLAG_HARDIRQ | TRACE_FLAG_SOFTIRQ`.
fn filter(order: u32) -> String {
    let failed = u64::MAX;
    format!("order == {order} && pfn != {failed} && !(common_flags & 24)")
}
