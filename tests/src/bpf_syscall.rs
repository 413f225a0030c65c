//! bpf(2), for programs of a few instructions that come from no object file.

use std::{
    ffi::CStr,
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
};

use rustix::process::{Resource, Rlimit, setrlimit};

/// One instruction, `struct bpf_insn` (include/uapi/linux/bpf.h).
pub(crate) type Instruction = [u8; 8];

/// `BPF_PROG_TYPE_RAW_TRACEPOINT`
const RAW_TRACEPOINT: u32 = 17;
/// `BPF_MAP_TYPE_ARRAY`
const ARRAY: u32 = 2;
/// `BPF_MAP_TYPE_RINGBUF`
const RING_BUFFER: u32 = 27;
/// `BPF_F_MMAPABLE`
const MMAPABLE: u32 = 1 << 10;

/// What `BPF_MAP_CREATE` takes.
#[repr(C)]
struct Create {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
}

/// What `BPF_PROG_LOAD` takes.
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

/// What `BPF_PROG_TEST_RUN` takes: the program, and neither context nor data.
#[repr(C)]
struct TestRun {
    program: u32,
    result: u32,
    unused: [u64; 8],
}

/// Makes an array of values that can be mapped into a process.
pub(crate) fn create_array(value_size: u32, max_entries: u32) -> io::Result<OwnedFd> {
    let mut request = Create {
        map_type: ARRAY,
        key_size: size_of::<u32>() as u32,
        value_size,
        max_entries,
        flags: MMAPABLE,
    };
    descriptor(bpf(0, &mut request)?)
}

/// Makes a ring buffer for this many bytes, a power of two of pages.
pub(crate) fn create_ring_buffer(bytes: u32) -> io::Result<OwnedFd> {
    let mut request = Create {
        map_type: RING_BUFFER,
        key_size: 0,
        value_size: 0,
        max_entries: bytes,
        flags: 0,
    };
    descriptor(bpf(0, &mut request)?)
}

/// Loads a raw tracepoint program.
pub(crate) fn load(name: &CStr, instructions: &[Instruction]) -> io::Result<OwnedFd> {
    let mut kept = [0; 16];
    kept[..name.count_bytes()].copy_from_slice(name.to_bytes());
    let mut request = Load {
        program_type: RAW_TRACEPOINT,
        instruction_count: instructions.len() as u32,
        instructions: instructions.as_ptr() as u64,
        license: c"GPL".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
        name: kept,
    };
    descriptor(bpf(5, &mut request)?)
}

/// Attaches a program to a raw tracepoint, until the descriptor is closed.
pub(crate) fn open_raw_tracepoint(tracepoint: &CStr, program: &OwnedFd) -> io::Result<OwnedFd> {
    let mut request = Open {
        name: tracepoint.as_ptr() as u64,
        program: program.as_raw_fd().cast_unsigned(),
        padding: 0,
    };
    descriptor(bpf(17, &mut request)?)
}

/// Runs a program once.
pub(crate) fn test_run(program: &OwnedFd) -> io::Result<()> {
    let mut request = TestRun {
        program: program.as_raw_fd().cast_unsigned(),
        result: 0,
        unused: [0; 8],
    };
    bpf(10, &mut request).map(drop)
}

fn bpf<T>(command: libc::c_long, request: &mut T) -> io::Result<i32> {
    // SAFETY: the kernel accesses the request only as long as it is told it is, and what it points
    // to, all of which lives longer.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, request, size_of::<T>()) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result as i32)
}

fn descriptor(result: i32) -> io::Result<OwnedFd> {
    // SAFETY: the kernel has just opened it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(result) })
}

/// Before Linux 5.11 programs and maps counted as locked memory.
pub fn lift_memlock_limit() {
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    // Later kernels need no such right, and containers often lack it.
    let _ = setrlimit(Resource::Memlock, unlimited);
}
