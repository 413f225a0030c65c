//! A file of each kind that can hold page frames, opened by this process: what the kernel calls such a
//! file by is then known, without its symbols.

use std::{
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
};

use anyhow::Result;
use perf_event::{Builder, Counter, events::Software};
use rustix::{
    net::{AddressFamily, SocketType, socket},
    pipe::{PipeFlags, pipe_with},
};

use crate::model::ObjectKind;

/// Files of this process, open as long as this lives.
pub struct Samples {
    files: Vec<(OwnedFd, ObjectKind)>,
    event: Option<Counter>,
    /// Every BPF ring buffer.
    ring_buffers: Vec<OwnedFd>,
    missing: Vec<(ObjectKind, anyhow::Error)>,
}

impl Samples {
    /// One of each kind that this kernel lets this user open, and all BPF ring buffers, which only
    /// bpf(2) lists.
    pub fn open(ring_buffers: Result<Vec<OwnedFd>>) -> Self {
        let mut missing = Vec::new();
        let ring_buffers = ring_buffers.unwrap_or_else(|error| {
            missing.push((ObjectKind::BpfRingBuffer, error));
            Vec::new()
        });
        let mut keep = |kind, opened: io::Result<OwnedFd>| match opened {
            Ok(file) => Some((file, kind)),
            Err(error) => {
                missing.push((kind, error.into()));
                None
            }
        };
        let pipe = pipe_with(PipeFlags::CLOEXEC).map(|(reader, _)| reader);
        let unix = socket(AddressFamily::UNIX, SocketType::DGRAM, None);
        let files = [
            keep(ObjectKind::Pipe, pipe.map_err(Into::into)),
            keep(ObjectKind::Socket, unix.map_err(Into::into)),
            keep(ObjectKind::IoUring, io_uring()),
        ];
        let event = Builder::new(Software::DUMMY).build();
        let event = event.map_err(|error| missing.push((ObjectKind::PerfRing, error.into())));
        Self {
            files: files.into_iter().flatten().collect(),
            event: event.ok(),
            ring_buffers,
            missing,
        }
    }

    /// The number of each descriptor, and what it is.
    pub fn numbers(&self) -> Vec<(u32, ObjectKind)> {
        let number = |descriptor: i32| descriptor.cast_unsigned();
        let event = self
            .event
            .as_ref()
            .map(|it| (number(it.as_raw_fd()), ObjectKind::PerfRing));
        let files = self.files.iter();
        let files = files.map(|(file, kind)| (number(file.as_raw_fd()), *kind));
        let ring_buffers = self.ring_buffers.iter();
        let ring_buffers =
            ring_buffers.map(|it| (number(it.as_raw_fd()), ObjectKind::BpfRingBuffer));
        files.chain(event).chain(ring_buffers).collect()
    }

    /// The kinds that could not be opened, and why.
    pub fn missing(&self) -> &[(ObjectKind, anyhow::Error)] {
        &self.missing
    }
}

/// An io_uring of one entry.
fn io_uring() -> io::Result<OwnedFd> {
    /// Bytes of `struct io_uring_params` (include/uapi/linux/io_uring.h).
    const PARAMETERS: usize = 120;
    let mut parameters = [0_u64; PARAMETERS / 8];
    // SAFETY: the parameters are as large as the kernel takes them to be, and it writes to nothing else.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) };
    if ring < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(ring as i32) })
}
