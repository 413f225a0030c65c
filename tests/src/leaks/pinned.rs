//! User memory in no mapping and no file, which somebody holds all the same.

use std::{
    fs::File,
    io::{self, IoSlice},
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
};

use memmap2::{Advice, MmapMut};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    io::pwritev,
    net::{
        AddressFamily, SocketFlags, SocketType, socket_with,
        sockopt::set_xdp_umem_reg,
        xdp::{XdpUmemReg, XdpUmemRegFlags},
    },
    param::page_size,
    pipe::{IoSliceRaw, PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice, vmsplice},
};

use super::{Held, payload};
use crate::{announcement::Announcement, bpf_syscall};

/// `leak pinned`
#[derive(clap::Args)]
pub struct Pinned {
    /// Who holds the pages
    #[arg(long, value_enum)]
    pub by: Holder,
    /// How many
    #[arg(long, default_value_t = 1024)]
    pub pages: usize,
}

/// Who holds the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Holder {
    /// A pipe that memory was given to, and unmapped
    Gift,
    /// A pipe that a file was spliced to, and truncated
    Splice,
    /// An io_uring that memory was registered with, and unmapped
    IoUring,
    /// An AF_XDP socket that memory was registered with, and unmapped
    Xdp,
}

impl Pinned {
    /// Takes the pages, has them held, and lets go of them.
    pub fn take(&self) -> io::Result<Held> {
        let pages = Announcement::holding(self.pages as u64);
        Ok(match self.by {
            Holder::Gift => Held::new(pages, give(self.pages)?),
            Holder::Splice => Held::new(pages, splice_file(self.pages)?),
            Holder::IoUring => Held::new(pages, register(self.pages)?),
            Holder::Xdp => Held::new(pages, register_packets(self.pages)?),
        })
    }
}

impl Holder {
    /// Why this kernel does not let it hold pages, if so.
    pub fn refusal(self) -> Option<String> {
        let (what, opened) = match self {
            Self::IoUring => ("io_uring", io_uring(1)),
            Self::Xdp => ("AF_XDP socket", xdp_socket()),
            Self::Gift | Self::Splice => return None,
        };
        opened
            .err()
            .map(|error| format!("the kernel sets up no {what}: {error}"))
    }
}

/// Anonymous memory, faulted in page by page by mlock(2): see `Anon`.
fn memory(pages: usize) -> io::Result<MmapMut> {
    let memory = MmapMut::map_anon(pages * page_size())?;
    memory.advise(Advice::NoHugePage)?;
    memory.lock()?;
    memory.unlock()?;
    Ok(memory)
}

/// Reader and writer.
type Pipe = (OwnedFd, OwnedFd);

/// What every process may give a pipe room for (`fs.pipe-max-size`), in bytes.
const PIPE: usize = 1 << 20;

fn pipe() -> io::Result<Pipe> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    fcntl_setpipe_size(&writer, PIPE)?;
    Ok((reader, writer))
}

fn give(pages: usize) -> io::Result<Vec<Pipe>> {
    let mut memory = memory(pages)?;
    let give = |part: &mut [u8]| {
        let pipe = pipe()?;
        let mut rest = part;
        while !rest.is_empty() {
            let slice = IoSliceRaw::from_slice_mut(rest);
            // SAFETY: the pages are not changed any more; soon they are not even mapped.
            let given = unsafe { vmsplice(&pipe.1, &[slice], SpliceFlags::GIFT) }?;
            rest = &mut rest[given..];
        }
        Ok(pipe)
    };
    memory.chunks_mut(PIPE).map(give).collect()
}

/// The file's pages are taken by pwritev(2), which tells them from those of other programs.
fn splice_file(pages: usize) -> io::Result<(File, Vec<Pipe>)> {
    let file = File::from(memfd_create(c"pinned", MemfdFlags::CLOEXEC)?);
    let page = payload(1);
    for at in (0..pages).map(|page| page * page_size()) {
        pwritev(&file, &[IoSlice::new(&page)], at as u64)?;
    }
    let fill = |start: usize| {
        let pipe = pipe()?;
        let end = (start + PIPE).min(pages * page_size());
        let mut at = start as u64;
        while at < end as u64 {
            let rest = end - at as usize;
            let flags = SpliceFlags::empty();
            splice(&file, Some(&mut at), &pipe.1, None, rest, flags)?;
        }
        Ok(pipe)
    };
    let starts = (0..pages * page_size()).step_by(PIPE);
    let pipes = starts.map(fill).collect::<io::Result<_>>()?;
    file.set_len(0)?;
    Ok((file, pipes))
}

fn register(pages: usize) -> io::Result<OwnedFd> {
    const REGISTER_BUFFERS: libc::c_uint = 0;
    let (ring, mut memory) = (io_uring(1)?, memory(pages)?);
    let buffer = libc::iovec {
        iov_base: memory.as_mut_ptr().cast(),
        iov_len: memory.len(),
    };
    // SAFETY: the kernel reads one `iovec`, and nobody ever uses the ring.
    let result = unsafe {
        libc::syscall(
            libc::SYS_io_uring_register,
            ring.as_raw_fd(),
            REGISTER_BUFFERS,
            &raw const buffer,
            1,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(ring)
}

fn xdp_socket() -> io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::XDP, SocketType::RAW);
    Ok(socket_with(family, kind, SocketFlags::CLOEXEC, None)?)
}

/// A socket to which memory was given for packets, of a page each.
fn register_packets(pages: usize) -> io::Result<OwnedFd> {
    bpf_syscall::lift_memlock_limit();
    let (socket, mut memory) = (xdp_socket()?, memory(pages)?);
    let given = XdpUmemReg {
        addr: memory.as_mut_ptr().addr() as u64,
        len: memory.len() as u64,
        chunk_size: page_size() as u32,
        headroom: 0,
        flags: XdpUmemRegFlags::empty(),
        tx_metadata_len: 0,
    };
    set_xdp_umem_reg(&socket, given)?;
    Ok(socket)
}

/// A ring of so many entries.
pub(super) fn io_uring(entries: u32) -> io::Result<OwnedFd> {
    /// `struct io_uring_params` (include/uapi/linux/io_uring.h).
    type Parameters = [u32; 30];
    let mut parameters: Parameters = [0; 30];
    // SAFETY: the parameters are as large as the kernel's.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, entries, &raw mut parameters) };
    if ring < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just opened it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(ring as i32) })
}
