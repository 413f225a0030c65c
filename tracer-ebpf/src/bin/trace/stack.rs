//! The kernel stack that a program runs on, from its context up.
//!
//! The context of a raw tracepoint is an array in the frame of the function that
//! runs the programs (`bpf_trace_run4`, kernel/trace/bpf_trace.c), so whatever
//! called that lies above it.

use core::{ffi::c_void, ptr};

use aya_ebpf::{helpers::generated::bpf_probe_read_kernel, macros::map, maps::PerCpuArray};
use tracer_ebpf::{
    rdonly_cast,
    unwind::{STACK_SIZE, Stack, UnwindCache, WORD},
};

use crate::config::CONFIG;

/// Bytes that are copied at once where a program cannot read its stack: as many
/// as most stacks have frames in.
const WINDOW: u64 = 1024;

/// What each CPU reads stacks with, and its unwind cache: one value, looked up once.
#[map]
static STACK: PerCpuArray<Workspace> = PerCpuArray::with_max_entries(1, 0);

#[repr(C)]
struct Workspace {
    context: u64,
    /// Never written.
    zero: u64,
    cache: UnwindCache,
    copy: [u64; (WINDOW / WORD) as usize],
}

/// The stack, with the unwind cache of the CPU that it is on.
pub(crate) struct OwnStack {
    context: u64,
    memory: *const u8,
    /// Whether all of it can be read from `memory`: known to the verifier, so that
    /// it follows one way only.
    is_in_place: bool,
    /// Bytes from the context on that can be read from `memory`.
    len: u64,
    zero: u64,
    pub(crate) cache: *mut UnwindCache,
}

impl OwnStack {
    /// The stack that has a program's context on it.
    #[inline(always)]
    pub(crate) fn of(context: *mut c_void) -> Option<Self> {
        let workspace = STACK.get_ptr_mut(0)?;
        // SAFETY: a field of this CPU's own record. The verifier lets nobody count
        // with a context pointer; written down and read again it is a number.
        let number = unsafe { &raw mut (*workspace).context };
        // SAFETY: as above.
        unsafe { number.write_volatile(context as u64) };
        // SAFETY: as above.
        let number = unsafe { number.read_volatile() };
        // SAFETY: as above.
        let zero = unsafe { &raw const (*workspace).zero };
        // SAFETY: as above.
        let zero = unsafe { zero.read_volatile() };
        // SAFETY: as above.
        let cache = unsafe { &raw mut (*workspace).cache };
        if CONFIG.get(|it| &it.unwind.in_place) != 0 {
            // SAFETY: user space sets this if it has made the call one of the kernel's function.
            let memory = unsafe { rdonly_cast::cast(context) };
            return Some(Self {
                context: number,
                memory,
                is_in_place: true,
                len: STACK_SIZE,
                zero,
                cache,
            });
        }
        // SAFETY: as above.
        let words = unsafe { &raw mut (*workspace).copy };
        // SAFETY: the helper checks what it copies, and the workspace has the room.
        let result = unsafe { bpf_probe_read_kernel(words.cast(), WINDOW as u32, context) };
        Some(Self {
            context: number,
            memory: words.cast_const().cast(),
            is_in_place: false,
            // The stack can end before the window does.
            len: if result == 0 { WINDOW } else { 0 },
            zero,
            cache,
        })
    }

    #[inline(always)]
    fn read(&self, offset: u64) -> u64 {
        // SAFETY: within the window, or memory whose faults the kernel catches.
        unsafe { ptr::read(self.memory.wrapping_add(offset as usize).cast()) }
    }
}

impl Stack for OwnStack {
    #[inline(always)]
    fn context(&self) -> u64 {
        self.context
    }

    #[inline(always)]
    fn word(&self, offset: u64) -> u64 {
        if self.is_in_place {
            return self.read(offset & (STACK_SIZE - WORD));
        }
        if offset < self.len {
            return self.read(offset & (WINDOW - WORD));
        }
        let mut word = 0_u64;
        let address = self.context.wrapping_add(offset);
        // SAFETY: the helper checks the address and copies; it never faults.
        unsafe {
            bpf_probe_read_kernel(
                (&raw mut word).cast(),
                WORD as u32,
                address as *const c_void,
            )
        };
        word
    }

    #[inline(always)]
    fn pair(&self, offset: u64) -> [u64; 2] {
        const PAIR: u64 = 2 * WORD;
        let len = if self.is_in_place {
            STACK_SIZE
        } else {
            self.len
        };
        if offset <= len.wrapping_sub(PAIR) && len >= PAIR {
            return [self.word(offset), self.word(offset + WORD)];
        }
        let mut pair = [0_u64; 2];
        let address = self.context.wrapping_add(offset);
        // SAFETY: the helper checks the address and copies; it never faults.
        unsafe {
            bpf_probe_read_kernel(
                pair.as_mut_ptr().cast(),
                PAIR as u32,
                address as *const c_void,
            )
        };
        pair
    }

    #[inline(always)]
    fn zero(&self) -> u64 {
        self.zero
    }
}
