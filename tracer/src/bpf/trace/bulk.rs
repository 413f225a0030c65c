//! The program on the bulk allocator, where the kernel lets one sit there.

use anyhow::{Context as _, Result, anyhow};
use aya::{
    Btf, Ebpf,
    programs::{FExit, ProgramError, fexit::FExitLinkId},
};
use tracer_ebpf::programs;

use crate::{
    bpf::{features::not_bulk, hooks},
    model::Limitation,
};

/// The running kernel's bulk allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkAllocator {
    /// The function.
    pub function: &'static str,
    /// Which of its arguments is the list that it can fill, counted from 0; the
    /// array where it fills no lists (since Linux 6.14).
    pub list: u32,
    /// Which of its arguments is the array that it can fill, the last one.
    pub array: u32,
}

impl BulkAllocator {
    /// The arguments, as the program is told.
    pub(super) const fn arguments(&self) -> [u32; 3] {
        [self.list, self.array, self.array + 1]
    }
}

/// The program, attached or detached again, or why there is none.
pub(super) enum BulkHook {
    Loaded(Option<FExitLinkId>),
    Refused(Limitation),
}

impl BulkHook {
    /// Loads the program; a kernel that refuses it only loses sight of these pages.
    pub(super) fn load(ebpf: &mut Ebpf, allocator: &Result<BulkAllocator, Limitation>) -> Self {
        match allocator {
            Ok(allocator) => {
                load(ebpf, allocator).map_or_else(Self::refused, |()| Self::Loaded(None))
            }
            Err(limitation) => Self::Refused(limitation.clone()),
        }
    }

    /// Attaches the program, if it is loaded.
    pub(super) fn attach(&mut self, ebpf: &mut Ebpf) {
        if let Self::Loaded(None) = self {
            *self = attach(ebpf).map_or_else(Self::refused, |link| Self::Loaded(Some(link)));
        }
    }

    fn refused(error: anyhow::Error) -> Self {
        Self::Refused(not_bulk(format!("{error:#}")))
    }

    /// No page is recorded from here on.
    pub(super) fn detach(&mut self, ebpf: &mut Ebpf) -> Result<()> {
        let Self::Loaded(link) = self else {
            return Ok(());
        };
        let Some(link) = link.take() else {
            return Ok(());
        };
        let program: &mut FExit = hooks::program(ebpf, programs::BULK_FILLED)?;
        program
            .detach(link)
            .context("cannot detach from the bulk allocator")
    }

    /// The program in use.
    pub(super) const fn program(&self) -> Option<&'static str> {
        match self {
            Self::Loaded(_) => Some(programs::BULK_FILLED),
            Self::Refused(_) => None,
        }
    }

    /// Why the allocator's pages are not seen, if they are not.
    pub(super) const fn limitation(&self) -> Option<&Limitation> {
        match self {
            Self::Loaded(_) => None,
            Self::Refused(limitation) => Some(limitation),
        }
    }
}

fn load(ebpf: &mut Ebpf, allocator: &BulkAllocator) -> Result<()> {
    let btf = Btf::from_sys_fs().context("the kernel's BTF cannot be read")?;
    let program: &mut FExit = hooks::program(ebpf, programs::BULK_FILLED)?;
    program.load(allocator.function, &btf).map_err(refusal)
}

fn attach(ebpf: &mut Ebpf) -> Result<FExitLinkId> {
    let program: &mut FExit = hooks::program(ebpf, programs::BULK_FILLED)?;
    program
        .attach()
        .context("cannot attach to the bulk allocator")
}

fn refusal(error: ProgramError) -> anyhow::Error {
    match &error {
        ProgramError::LoadError { io_error, .. }
            if io_error.raw_os_error() == Some(libc::EPERM) =>
        {
            anyhow!("the kernel refuses fexit programs (EPERM)")
        }
        _ => hooks::refusal(programs::BULK_FILLED, error),
    }
}
