//! Memory that a line of `/proc/meminfo` counts, each kind of which only one line does.

use std::{
    fs::{self, File},
    io::{self, Write as _},
};

use memmap2::{Advice, MmapOptions, MmapRaw};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    param::page_size,
    thread::{UnshareFlags, unshare_unsafe},
};

use super::Held;
use crate::{announcement::Announcement, bpf_syscall};

/// `leak counted`
#[derive(clap::Args)]
pub struct Counted {
    /// Which kind
    #[arg(long, value_enum)]
    pub kind: CountedKind,
    /// How many MiB
    #[arg(long, default_value_t = 64)]
    pub mib: usize,
}

/// What has a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CountedKind {
    /// System V messages that nobody receives, which are slab objects
    Slab,
    /// A BPF array
    Vmalloc,
    /// Page tables of a mapping of nothing but the zero page
    PageTables,
    /// A file without a name
    Shmem,
    /// Huge pages that nobody uses
    Hugetlb,
}

impl Counted {
    /// Takes the memory and keeps it.
    pub fn take(&self) -> io::Result<Held> {
        let bytes = self.mib << 20;
        let pages = Announcement::holding((bytes / page_size()) as u64);
        Ok(match self.kind {
            CountedKind::Slab => Held::new(pages, send(bytes)?),
            CountedKind::Vmalloc => Held::new(pages, array(bytes)?),
            CountedKind::PageTables => Held::new(pages, tables(bytes)?),
            CountedKind::Shmem => Held::new(pages, write(bytes)?),
            CountedKind::Hugetlb => Held::new(pages, HugePages::add(bytes)?),
        })
    }
}

/// Messages of just less than a page, in namespace of its own, where limits are its own and which
/// takes them with it.
fn send(bytes: usize) -> io::Result<()> {
    // `struct msg_msg` and this fill an object of kmalloc-cg-4k (ipc/msgutil.c).
    const OBJECT: usize = 4096;
    let message = [1_u8; OBJECT - 48 + size_of::<libc::c_long>()];
    // SAFETY: the flag is not FILES, so no descriptor changes its meaning.
    unsafe { unshare_unsafe(UnshareFlags::NEWIPC) }?;
    fs::write("/proc/sys/kernel/msgmnb", (bytes * 2).to_string())?;
    // SAFETY: it makes a queue and takes no memory of ours.
    let queue = unsafe { libc::msgget(libc::IPC_PRIVATE, 0o600) };
    for _ in 0..bytes / OBJECT {
        let len = message.len() - size_of::<libc::c_long>();
        // SAFETY: the message is a type, which is not 0, and `len` bytes.
        let sent = unsafe { libc::msgsnd(queue, message.as_ptr().cast(), len, libc::IPC_NOWAIT) };
        if sent != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

fn array(bytes: usize) -> io::Result<std::os::fd::OwnedFd> {
    let value = page_size() as u32;
    bpf_syscall::lift_memlock_limit();
    bpf_syscall::create_array(value, bytes as u32 / value)
}

/// Reads one page for each table of the lowest level: all are the zero page.
fn tables(bytes: usize) -> io::Result<MmapRaw> {
    let covered = page_size() / size_of::<u64>() * page_size();
    let count = bytes / page_size();
    let memory = MmapOptions::new()
        .len(count * covered)
        .no_reserve_swap()
        .map_anon()?;
    memory.advise(Advice::NoHugePage)?;
    for table in 0..count {
        std::hint::black_box(memory[table * covered]);
    }
    Ok(memory.into())
}

fn write(bytes: usize) -> io::Result<File> {
    let mut file = File::from(memfd_create("leak", MemfdFlags::empty())?);
    file.write_all(&vec![1; bytes])?;
    Ok(file)
}

/// More huge pages of the default size. Dropping it takes them out again.
struct HugePages {
    before: u64,
}

impl HugePages {
    const POOL: &str = "/proc/sys/vm/nr_hugepages";

    fn add(bytes: usize) -> io::Result<Self> {
        let before = Self::count()?;
        let pool = Self { before };
        let wanted = before + (bytes >> 21) as u64;
        fs::write(Self::POOL, wanted.to_string())?;
        if Self::count()? < wanted {
            return Err(io::Error::other("memory is too fragmented for huge pages"));
        }
        Ok(pool)
    }

    fn count() -> io::Result<u64> {
        let text = fs::read_to_string(Self::POOL)?;
        text.trim().parse().map_err(io::Error::other)
    }
}

impl Drop for HugePages {
    fn drop(&mut self) {
        // Nobody is left to tell if it fails.
        let _ = fs::write(Self::POOL, self.before.to_string());
    }
}
