//! The ids of sites: handed out by a queue, and used again once no page has had them for long.

use anyhow::{Context as _, Result};
use aya::{
    Ebpf,
    maps::{MapData, PerCpuArray, PerCpuValues, Queue},
};
use rustix::io::Errno;
use tracer_ebpf::{FIRST_SITE, KnownSites, maps};

use super::{load, tables::take};

/// Ids that are free, and what each CPU knows of those that are not.
pub(super) struct SiteIds {
    free: Queue<MapData, u32>,
    known: PerCpuArray<MapData, KnownSites>,
}

impl SiteIds {
    /// All ids are free.
    pub(super) fn fill(ebpf: &mut Ebpf, max_sites: u32) -> Result<Self> {
        let mut ids = Self {
            free: take(ebpf, maps::FREE_SITES)?.try_into()?,
            known: take(ebpf, maps::KNOWN_SITES)?.try_into()?,
        };
        ids.put_back(FIRST_SITE..load::site_entries(max_sites))?;
        Ok(ids)
    }

    /// Has these ids handed out again.
    pub(super) fn put_back(&mut self, ids: impl IntoIterator<Item = u32>) -> Result<()> {
        for id in ids {
            self.free
                .push(id, 0)
                .context("cannot fill the queue of free sites")?;
        }
        Ok(())
    }

    /// Has every CPU forget which sites it found lately, and that there was no free id. The kernel
    /// copies word by word (`bpf_long_memcpy`, include/linux/bpf.h), so a program that reads one
    /// meanwhile finds a site or none.
    pub(super) fn forget_known(&mut self) -> Result<()> {
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| error)?;
        let nothing = PerCpuValues::try_from(vec![[0; size_of::<KnownSites>() / 8]; cpus])?;
        self.known
            .set(0, nothing, 0)
            .context("cannot have CPUs forget the call sites that they know")
    }
}

/// Waits until every program that runs now has ended: they run within RCU's read side, and this
/// waits for a grace period (`membarrier_global`, kernel/sched/membarrier.c).
pub(super) fn wait_for_programs() -> Result<()> {
    const NO_FLAGS: libc::c_uint = 0;
    const THIS_CPU: libc::c_int = 0;
    // SAFETY: the call takes no pointer.
    let result = unsafe {
        libc::syscall(
            libc::SYS_membarrier,
            libc::MEMBARRIER_CMD_GLOBAL,
            NO_FLAGS,
            THIS_CPU,
        )
    };
    // The kernel gives 0 or an error, of which the library keeps the number.
    let done = if result == 0 {
        Ok(())
    } else {
        Err(last_error())
    };
    done.context("cannot wait for programs to end (membarrier)")
}

fn last_error() -> Errno {
    let error = std::io::Error::last_os_error();
    Errno::from_io_error(&error).unwrap_or(Errno::INVAL)
}
