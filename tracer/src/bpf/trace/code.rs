//! Where the kernel put the code of a program.

use std::{
    io, mem,
    ops::Range,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd},
    ptr,
};

use anyhow::{Context as _, Result, bail};
use aya::{Ebpf, programs::Program};
use aya_obj::generated::{bpf_attr, bpf_cmd, bpf_prog_info};

/// More functions than a program can have (`BPF_MAX_SUBPROGS`, include/linux/bpf_verifier.h).
const MOST_FUNCTIONS: usize = 512;

/// The code of a loaded program, one range for each of its functions. Empty where the kernel
/// shows no addresses (`kernel.kptr_restrict`), or interprets programs.
pub(super) fn ranges(ebpf: &Ebpf, name: &str) -> Result<Vec<Range<u64>>> {
    let program = ebpf
        .program(name)
        .with_context(|| format!("the BPF object has no program {name}"))?;
    let fd = match program {
        Program::RawTracePoint(program) => program.fd(),
        Program::TracePoint(program) => program.fd(),
        Program::FExit(program) => program.fd(),
        _ => bail!("{name} is not a program of the trace"),
    };
    functions(fd?.as_fd()).with_context(|| format!("cannot ask for the code of {name}"))
}

fn functions(program: BorrowedFd<'_>) -> io::Result<Vec<Range<u64>>> {
    let mut starts = [0_u64; MOST_FUNCTIONS];
    let mut lengths = [0_u32; MOST_FUNCTIONS];
    // SAFETY: a struct of words, for which zero is a value.
    let mut info: bpf_prog_info = unsafe { mem::zeroed() };
    info.nr_jited_ksyms = MOST_FUNCTIONS as u32;
    info.nr_jited_func_lens = MOST_FUNCTIONS as u32;
    info.jited_ksyms = starts.as_mut_ptr().expose_provenance() as u64;
    info.jited_func_lens = lengths.as_mut_ptr().expose_provenance() as u64;
    // SAFETY: both arrays have as many entries as `info` says.
    unsafe { ask(program, &mut info) }?;
    let ranges = starts
        .into_iter()
        .zip(lengths)
        .map(|(start, length)| start..start + u64::from(length));
    // What the kernel did not fill in is zero.
    Ok(ranges
        .filter(|range| range.start != 0 && !range.is_empty())
        .collect())
}

/// Has the kernel fill in `info`, and the arrays it points to (bpf(2), `BPF_OBJ_GET_INFO_BY_FD`).
///
/// # Safety
///
/// Each pointer in `info` is 0 or leads to as many entries as the number beside it.
unsafe fn ask(program: BorrowedFd<'_>, info: &mut bpf_prog_info) -> io::Result<()> {
    // SAFETY: a union of structs of words, for which zero is a value.
    let mut attr: bpf_attr = unsafe { mem::zeroed() };
    attr.info.bpf_fd = program.as_raw_fd().cast_unsigned();
    attr.info.info_len = size_of::<bpf_prog_info>() as u32;
    attr.info.info = ptr::from_mut(info).expose_provenance() as u64;
    // SAFETY: the kernel writes to `info` and to the arrays that the caller vouches for.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            bpf_cmd::BPF_OBJ_GET_INFO_BY_FD,
            &raw mut attr,
            size_of::<bpf_attr>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
