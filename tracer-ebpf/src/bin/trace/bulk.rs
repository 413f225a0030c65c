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
use tracer_ebpf::{BULK, BULK_PAGES, Slot};

use crate::{
    config::CONFIG,
    filters,
    record::{control, counters},
    sites::{self, Counts},
    slots,
    unwind::Request,
    word::Word,
};

/// What calls of the bulk allocator that are under way were given, by the address of
/// their array: no two fill one array at once.
#[map]
static BULK_CALLS: HashMap<u64, Note> = HashMap::with_max_entries(CALLS, 0);

/// Far more calls than can be under way: those of interrupts, and those of tasks that
/// wait for memory.
const CALLS: u32 = 1024;

/// One for the program on the entry of the bulk allocator, one for that on the exit.
#[map]
static BULK_WORKSPACES: PerCpuArray<Workspace> = PerCpuArray::with_max_entries(2, 0);

/// Which entries of an array were empty when a call was given it.
#[repr(C)]
struct Note {
    /// How many.
    empty: u64,
    /// A bit for each entry.
    bits: [u64; BULK_PAGES as usize / 64],
}

/// Pages of one call, and which of them are its own: too large for a program's stack.
#[repr(C)]
struct Workspace {
    pages: [u64; BULK_PAGES as usize],
    note: Note,
    len: Word,
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
    let Some(workspace) = workspace(ENTRY) else {
        return;
    };
    let Some(len) = workspace.copy_array(array, len as u64) else {
        return;
    };
    workspace.note_empty(len);
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
    let (Some(counters), Some(workspace)) = (counters(), workspace(EXIT)) else {
        return;
    };
    let counts = &counters.bulk;
    let taken = if call.array == 0 {
        Some(workspace.take_list(call.list, call.filled))
    } else {
        workspace.take_array(call.array, call.filled)
    };
    let Some(len) = taken else {
        counts.unread_pages.add(call.filled);
        return;
    };
    counts
        .unread_pages
        .add(call.filled.saturating_sub(BULK_PAGES));
    let new = call.filled.min(workspace.note.empty);
    let len = workspace.unbounded(len);
    if let Some(marker) = Marker::of(ctx, call.gfp, new, counts) {
        marker.mark_own(workspace, len);
    }
}

#[inline(always)]
fn workspace(index: u32) -> Option<&'static mut Workspace> {
    let workspace = BULK_WORKSPACES.get_ptr_mut(index)?;
    // SAFETY: the program's own on this CPU, and it is never run inside itself.
    Some(unsafe { &mut *workspace })
}

impl Workspace {
    /// Takes in the pages of an array that holds `filled`, and the note of it; gives how many
    /// there are, or none if they cannot be told apart.
    #[inline(always)]
    fn take_array(&mut self, array: u64, filled: u64) -> Option<usize> {
        let note = BULK_CALLS.get_ptr(array)?;
        // SAFETY: the value is this call's until it is removed: no two calls fill one array.
        self.note = unsafe { note.read() };
        let _ = BULK_CALLS.remove(array);
        self.copy_array(array, filled)
    }

    /// Takes in what was put on a list, newest first. Others can be behind them, which do
    /// not count in `filled`.
    #[inline(always)]
    fn take_list(&mut self, list: u64, filled: u64) -> usize {
        self.note = Note {
            empty: u64::MAX,
            bits: [u64::MAX; _],
        };
        let len = filled.min(BULK_PAGES) as usize;
        let mut link = list;
        for i in 0..self.pages.len() {
            if i >= len {
                break;
            }
            link = read(link);
            self.pages[i] = link.wrapping_sub(CONFIG.get(|it| &it.page_list).into());
        }
        len
    }

    /// Copies an array of `len` page pointers, but no more than there is room for; gives
    /// how many were copied.
    #[inline(always)]
    fn copy_array(&mut self, array: u64, len: u64) -> Option<usize> {
        let len = len.min(BULK_PAGES) as usize;
        let bytes = (len * size_of::<u64>()) as u32;
        let pages = self.pages.as_mut_ptr().cast();
        // SAFETY: the helper checks the address, and there is room for so many bytes.
        let result =
            unsafe { generated::bpf_probe_read_kernel(pages, bytes, array as *const c_void) };
        (result == 0).then_some(len)
    }

    /// The same length, through memory: the verifier would follow each one that a loop over
    /// a list can end with through all of the next loop.
    #[inline(always)]
    fn unbounded(&self, len: usize) -> usize {
        self.len.set(len as u64);
        self.len.get() as usize
    }

    /// Notes which of the first `len` entries are empty.
    #[inline(always)]
    fn note_empty(&mut self, len: usize) {
        self.note = Note {
            empty: 0,
            bits: [0; _],
        };
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
        let request = Request {
            ctx,
            order: BULK,
            gfp,
            skipped: 0,
            counts,
        };
        let Some(site) = request.site_by_kernel(filters::is_own_task()) else {
            counts.own_pages.add(new);
            return None;
        };
        Some(Self {
            counts,
            slot: Slot::new(site, control()?.epoch),
            site,
        })
    }

    /// Marks the call's own of the first `len` pages.
    #[inline(always)]
    fn mark_own(&self, workspace: &Workspace, len: usize) {
        for i in 0..workspace.pages.len() {
            if i >= len {
                break;
            }
            if workspace.note.bits[i / 64] >> (i % 64) & 1 != 0 {
                self.mark(workspace.pages[i]);
            }
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
