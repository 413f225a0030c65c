//! The least that a BPF program can do.

use std::{
    ffi::CStr,
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
};

/// Programs that return at once, on the raw tracepoints of allocations and frees.
/// They are gone when this is dropped.
pub struct Empty {
    _descriptors: [(OwnedFd, OwnedFd); 2],
}

impl Empty {
    /// Loads and attaches them, which needs root.
    ///
    /// They have the names of pagetrace's programs, so that they can be told apart likewise.
    pub fn attach() -> io::Result<Self> {
        let both = |name, tracepoint| {
            let program = load(name)?;
            let link = open(tracepoint, &program)?;
            Ok::<_, io::Error>((program, link))
        };
        Ok(Self {
            _descriptors: [
                both(c"page_alloc", c"mm_page_alloc")?,
                both(c"page_free", c"mm_page_free")?,
            ],
        })
    }
}

/// What `BPF_PROG_LOAD` takes (include/uapi/linux/bpf.h).
#[repr(C)]
struct Load {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

/// What `BPF_RAW_TRACEPOINT_OPEN` takes.
#[repr(C)]
struct Open {
    name: u64,
    program: u32,
    padding: u32,
}

/// `r0 = 0; exit`
const INSTRUCTIONS: [[u8; 8]; 2] = [[0xb7, 0, 0, 0, 0, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]];

fn load(name: &CStr) -> io::Result<OwnedFd> {
    const COMMAND: libc::c_long = 5;
    const RAW_TRACEPOINT: u32 = 17;
    let mut kept = [0; 16];
    kept[..name.count_bytes()].copy_from_slice(name.to_bytes());
    let request = Load {
        program_type: RAW_TRACEPOINT,
        instruction_count: INSTRUCTIONS.len() as u32,
        instructions: INSTRUCTIONS.as_ptr() as u64,
        license: c"GPL".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
        name: kept,
    };
    bpf(COMMAND, &request)
}

fn open(tracepoint: &CStr, program: &OwnedFd) -> io::Result<OwnedFd> {
    const COMMAND: libc::c_long = 17;
    let request = Open {
        name: tracepoint.as_ptr() as u64,
        program: program.as_raw_fd().cast_unsigned(),
        padding: 0,
    };
    bpf(COMMAND, &request)
}

/// bpf(2), of commands that return a descriptor.
fn bpf<T>(command: libc::c_long, request: &T) -> io::Result<OwnedFd> {
    // SAFETY: the kernel only reads the request, as long as it is told it is, and what it points to,
    // all of which lives longer.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, request, size_of::<T>()) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just opened it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(result as i32) })
}
