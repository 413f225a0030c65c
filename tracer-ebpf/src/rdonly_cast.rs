//! `bpf_rdonly_cast`, the kernel's function by which a program may read any memory.
//!
//! Each kernel knows its functions by ids of its own BTF. So the objects call a helper that no
//! kernel has, and user space makes that a call of the function before it loads them.

/// The number of the helper that no kernel has.
pub const PLACEHOLDER: u32 = 0x7fff_c457;

/// Memory that the program may read from an address on, at any distance; a word
/// that is not there reads as 0 (`bpf_rdonly_cast` to void, Linux 6.17).
///
/// # Safety
///
/// User space makes the call one of the kernel's function before it loads the program.
#[cfg(target_arch = "bpf")]
#[inline(always)]
pub unsafe fn cast(address: *const core::ffi::c_void) -> *const u8 {
    type Cast = unsafe extern "C" fn(*const core::ffi::c_void, u32) -> *const u8;
    // SAFETY: BPF calls functions by number, and this one is replaced.
    let cast: Cast = unsafe { core::mem::transmute(PLACEHOLDER as usize) };
    // SAFETY: it changes what the verifier knows of the pointer, nothing else.
    unsafe { cast(address, 0) }
}
