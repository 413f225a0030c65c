//! The bulk allocator, which passes no tracepoint on its fast path: its pages
//! are marked when it returns.
//!
//! It fills the empty entries of an array and returns how many are full then, so the
//! program on its entry notes which are empty. Neither program is ever run inside
//! itself (`prog->active`, kernel/bpf/trampoline.c, Linux 5.12): of a call that
//! interrupts one of them, the kernel withholds entry or exit. Without the entry there
//! is no note, without the exit the next call with this array replaces it.

use core::ffi::c_void;

use aya_ebpf::{
    EbpfContext,
    helpers::{bpf_probe_read_kernel, generated},
    macros::map,
    maps::{HashMap, PerCpuArray},
};
use tracer_ebpf::{AllocationCounters, BULK, BULK_PAGES, Slot};

use crate::{
    config::CONFIG,
    filters,
    record::{control, counters},
    sites, slots, unwind,
    word::Word,
};

/// What calls that are under way were given, by the address of their array: no two fill one
/// array at once.
#[map]
static BULK_CALLS: HashMap<u64, Note> = HashMap::with_max_entries(CALLS, 0);

/// Far more calls than can be under way: those of interrupts, and those of tasks that
/// wait for memory.
const CALLS: u32 = 1024;

/// Where the programs on entry and exit look at arrays.
#[map]
static ARRAYS: PerCpuArray<Workspace> = PerCpuArray::with_max_entries(2, 0);

/// What an array was like when a call was given it.
#[repr(C)]
struct Note {
    /// How many entries were empty.
    empty: u64,
    /// A bit for each entry that was.
    bits: [u64; BULK_PAGES as usize / 64],
}

/// What a program looks at an array with: too large for its stack.
#[repr(C)]
struct Workspace {
    pages: [u64; BULK_PAGES as usize],
    note: Note,
}

/// The workspace of the program on the entry.
const ENTRY: u32 = 0;
/// That of the program on the exit.
const EXIT: u32 = 1;

/// Notes which entries of an array of `len` page pointers are empty.
#[inline(always)]
pub(crate) fn array_given(gfp: u32, array: u64, len: i32) {
    if len <= 0 || !filters::include(0, gfp) {
        return;
    }
    let Some((workspace, len)) = Workspace::read(ENTRY, array, len as u64) else {
        return;
    };
    workspace.take_note(len);
    // Where there is no room, it is as if the entry had not been seen.
    let _ = BULK_CALLS.insert(array, &workspace.note, 0);
}

/// A call that returns.
pub(crate) struct Call {
    pub(crate) gfp: u32,
    /// The list that it was to fill, if there is no array.
    pub(crate) list: u64,
    /// The array that it was to fill.
    pub(crate) array: u64,
    /// How many pages it put on the list, or are in the array now.
    pub(crate) filled: u64,
}

/// Marks what a call has put into its array or on its list.
#[inline(always)]
pub(crate) fn returned<C: EbpfContext>(ctx: &C, call: &Call) {
    if !filters::include(0, call.gfp) {
        return;
    }
    let Some(counters) = counters() else { return };
    let counts = &counters.bulk;
    let note = if call.array != 0 {
        let Some(note) = BULK_CALLS.get_ptr(call.array) else {
            counts.unread_pages.add(call.filled);
            return;
        };
        // SAFETY: the value is this call's until it is removed below: no two calls fill one
        // array.
        Some(unsafe { &*note })
    } else {
        None
    };
    counts
        .unread_pages
        .add(call.filled.saturating_sub(BULK_PAGES));
    let new = note.map_or(call.filled, |note| note.empty.min(call.filled));
    if let Some(marker) = Marker::of(ctx, call.gfp, new, counts) {
        match note {
            Some(note) => marker.mark_array(call, note),
            None => marker.mark_list(call),
        }
    }
    if call.array != 0 {
        let _ = BULK_CALLS.remove(call.array);
    }
}

impl Workspace {
    /// Copies an array of `len` page pointers, but no more than there is room for; gives
    /// how many were copied.
    #[inline(always)]
    fn read(index: u32, array: u64, len: u64) -> Option<(&'static mut Self, usize)> {
        let workspace = ARRAYS.get_ptr_mut(index)?;
        // SAFETY: this program's own on this CPU, and it is never run inside itself.
        let workspace = unsafe { &mut *workspace };
        let len = len.min(BULK_PAGES);
        let bytes = len as u32 * size_of::<u64>() as u32;
        let pages = workspace.pages.as_mut_ptr().cast();
        // SAFETY: the helper checks the address, and there is room for so many bytes.
        let result =
            unsafe { generated::bpf_probe_read_kernel(pages, bytes, array as *const c_void) };
        (result == 0).then_some((workspace, len as usize))
    }

    /// Notes which of the first `len` entries are empty.
    #[inline(always)]
    fn take_note(&mut self, len: usize) {
        self.note.empty = 0;
        self.note.bits = [0; _];
        for i in 0..self.pages.len() {
            if i >= len {
                break;
            }
            if self.pages[i] == 0 {
                self.note.empty += 1;
                self.note.bits[i / 64] |= 1 << (i % 64);
            }
        }
    }
}

type Counts = AllocationCounters<Word>;

/// Marks the pages of one call.
struct Marker {
    counts: &'static Counts,
    slot: Slot,
    site: u32,
}

impl Marker {
    /// For a call that took up to `new` pages; none if there is nothing to mark.
    #[inline(always)]
    fn of<C: EbpfContext>(ctx: &C, gfp: u32, new: u64, counts: &'static Counts) -> Option<Self> {
        if new == 0 {
            return None;
        }
        counts.events.add(1);
        let Some(site) = unwind::site_by_kernel(ctx, BULK, gfp, 0, filters::is_own_task(), counts)
        else {
            counts.own_pages.add(new);
            return None;
        };
        Some(Self {
            counts,
            slot: Slot::new(site, control()?.epoch),
            site,
        })
    }

    /// Marks those of the full entries of an array that were empty.
    #[inline(always)]
    fn mark_array(&self, call: &Call, note: &Note) {
        let Some((workspace, len)) = Workspace::read(EXIT, call.array, call.filled) else {
            self.counts.unread_pages.add(note.empty);
            return;
        };
        for i in 0..workspace.pages.len() {
            if i >= len {
                break;
            }
            if note.bits[i / 64] >> (i % 64) & 1 != 0 {
                self.mark(workspace.pages[i]);
            }
        }
    }

    /// Marks what is on a list, newest first; other pages can be behind them.
    #[inline(always)]
    fn mark_list(&self, call: &Call) {
        let mut link = call.list;
        for i in 0..BULK_PAGES {
            if i >= call.filled {
                break;
            }
            link = read(link);
            self.mark(link.wrapping_sub(CONFIG.get(|it| &it.page_list).into()));
        }
    }

    /// Marks one page, unless it is marked: then the call fell back on the
    /// allocator proper, which told of it.
    #[inline(always)]
    fn mark(&self, page: u64) {
        let frame = slots::frame_of(page);
        let Some(block) = slots::block(frame, 0) else {
            self.counts.out_of_range.add(1);
            return;
        };
        if filters::include_frame(frame) && block.mark_if_clear(self.slot) {
            self.counts.pages.add(1);
            sites::count_pages(self.site, 0);
        }
    }
}

/// The word at a kernel address, or zero.
#[inline(always)]
fn read(address: u64) -> u64 {
    // SAFETY: the helper checks the address and copies; it never faults.
    unsafe { bpf_probe_read_kernel(address as *const u64) }.unwrap_or(0)
}
