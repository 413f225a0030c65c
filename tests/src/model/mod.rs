//! The programs of the trace, driven by hand beside a plain model of them.
//!
//! [`Random`] makes up what an allocator could do and a tracer could see of it.
//! [`Programs`] has the kernel run the programs on that, without attaching them
//! to anything; [`Model`] does in plain Rust what they should do. Both can be
//! asked for the same tables.

mod event;
mod memory;
mod object;
mod programs;
mod random;
mod rules;
mod stacks;
mod tables;

pub use event::{ARRAYS, ENTRIES, Event, Page, PageArray};
pub use programs::Programs;
pub use random::Random;
pub use stacks::{Known, MadeUpStack};
pub use tables::Model;
use tracer_ebpf::{CHUNK_SLOTS, FIRST_SITE, InterruptCode, SPANS, Span};

/// What both are told before the first event.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bytes of a `struct page`.
    pub page_struct_size: u64,
    /// Page frames that have a slot.
    pub frames: u64,
    /// Where the table has them.
    pub spans: [Span; SPANS],
    /// The migratetype that is not recorded, if any.
    pub skipped_migratetype: Option<u32>,
    /// Room in the site table.
    pub max_sites: u32,
    /// What else is not recorded.
    pub filters: Filters,
    /// Where interrupts enter the kernel.
    pub interrupts: InterruptCode,
    /// Of so many stacks unwound by rules, one is checked; none to have the kernel unwind all.
    pub check_every: Option<u32>,
    /// The BTF id of the function by which programs read their stack in place; none to have them
    /// copy it.
    pub stack_reader: Option<u32>,
}

/// What the user left out.
#[derive(Clone, Copy, Debug)]
pub struct Filters {
    /// The least and the greatest order that is recorded.
    pub orders: (u32, u32),
    /// gfp flags that an allocation must have, and must not have.
    pub gfp: (u32, u32),
    /// Whether the calling process counts as the tracer itself.
    pub own: bool,
}

impl Filters {
    /// Everything is recorded.
    pub const NONE: Self = Self {
        orders: (0, u32::MAX),
        gfp: (0, 0),
        own: false,
    };

    const fn include(&self, order: u32, gfp: u32) -> bool {
        let (least, greatest) = self.orders;
        let (required, excluded) = self.gfp;
        order >= least && order <= greatest && gfp & required == required && gfp & excluded == 0
    }
}

impl Settings {
    /// Everything is recorded of a machine of so many page frames, with room for so many sites.
    /// The kernel unwinds all stacks, and tells no interrupt from a task.
    pub const fn new(frames: u64, max_sites: u32) -> Self {
        Self {
            page_struct_size: 64,
            frames,
            spans: {
                let mut spans = [Span::NONE; SPANS];
                spans[0] = Span {
                    first: 0,
                    frames,
                    slot: 0,
                };
                spans
            },
            skipped_migratetype: None,
            max_sites,
            filters: Filters::NONE,
            interrupts: InterruptCode::NONE,
            check_every: None,
            stack_reader: None,
        }
    }

    /// Values of the slot table.
    const fn chunks(&self) -> u32 {
        self.frames.div_ceil(CHUNK_SLOTS as u64) as u32
    }

    /// Words of the slot table.
    const fn slots(&self) -> usize {
        self.chunks() as usize * CHUNK_SLOTS
    }

    /// Entries of the site table, the reserved ones included.
    const fn site_entries(&self) -> u32 {
        FIRST_SITE + self.max_sites
    }
}
