//! The programs on the bulk allocator, where the kernel lets them sit there.

use anyhow::{Context as _, Result, anyhow};
use aya::{
    Btf, Ebpf,
    programs::{FEntry, FExit, ProgramError, fentry::FEntryLinkId, fexit::FExitLinkId},
};
use tracer_ebpf::{BulkConfig, programs};

use crate::{
    bpf::{
        features::not_bulk,
        hooks::{self, program},
    },
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

impl From<&BulkAllocator> for BulkConfig {
    fn from(allocator: &BulkAllocator) -> Self {
        Self {
            list: allocator.list,
            array: allocator.array,
            result: allocator.array + 1,
        }
    }
}

/// The programs, attached or detached again, or why there are none.
pub(super) enum BulkHook {
    Loaded(Option<Links>),
    Refused(Limitation),
}

/// Both programs: what the one on the exit marks, that on the entry tells.
pub(super) struct Links {
    entry: FEntryLinkId,
    exit: FExitLinkId,
}

impl BulkHook {
    /// Loads the programs; a kernel that refuses them only loses sight of these pages.
    pub(super) fn load(ebpf: &mut Ebpf, allocator: &Result<BulkAllocator, Limitation>) -> Self {
        match allocator {
            Ok(allocator) => {
                load(ebpf, allocator).map_or_else(Self::refused, |()| Self::Loaded(None))
            }
            Err(limitation) => Self::Refused(limitation.clone()),
        }
    }

    /// Attaches the programs, if they are loaded.
    pub(super) fn attach(&mut self, ebpf: &mut Ebpf) {
        if let Self::Loaded(None) = self {
            *self = attach(ebpf).map_or_else(Self::refused, |links| Self::Loaded(Some(links)));
        }
    }

    fn refused(error: anyhow::Error) -> Self {
        Self::Refused(not_bulk(format!("{error:#}")))
    }

    /// No page is recorded from here on.
    pub(super) fn detach(&mut self, ebpf: &mut Ebpf) -> Result<()> {
        let Self::Loaded(links) = self else {
            return Ok(());
        };
        let Some(Links { entry, exit }) = links.take() else {
            return Ok(());
        };
        program::<FExit>(ebpf, programs::BULK_EXIT)?
            .detach(exit)
            .context("cannot detach from the exit of the bulk allocator")?;
        detach_entry(ebpf, entry)
    }

    /// The program in use that marks pages.
    pub(super) const fn program(&self) -> Option<&'static str> {
        match self {
            Self::Loaded(_) => Some(programs::BULK_EXIT),
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
    let function = allocator.function;
    program::<FEntry>(ebpf, programs::BULK_ENTRY)?
        .load(function, &btf)
        .map_err(|error| refusal(programs::BULK_ENTRY, error))?;
    program::<FExit>(ebpf, programs::BULK_EXIT)?
        .load(function, &btf)
        .map_err(|error| refusal(programs::BULK_EXIT, error))
}

/// The entry first: a call whose exit alone was seen could not be told what it filled.
fn attach(ebpf: &mut Ebpf) -> Result<Links> {
    let entry = program::<FEntry>(ebpf, programs::BULK_ENTRY)?
        .attach()
        .context("cannot attach to the entry of the bulk allocator")?;
    let exit = program::<FExit>(ebpf, programs::BULK_EXIT)?
        .attach()
        .context("cannot attach to the exit of the bulk allocator");
    match exit {
        Ok(exit) => Ok(Links { entry, exit }),
        Err(error) => {
            detach_entry(ebpf, entry)?;
            Err(error)
        }
    }
}

fn detach_entry(ebpf: &mut Ebpf, link: FEntryLinkId) -> Result<()> {
    program::<FEntry>(ebpf, programs::BULK_ENTRY)?
        .detach(link)
        .context("cannot detach from the entry of the bulk allocator")
}

fn refusal(name: &str, error: ProgramError) -> anyhow::Error {
    match &error {
        ProgramError::LoadError { io_error, .. }
            if io_error.raw_os_error() == Some(libc::EPERM) =>
        {
            anyhow!("the kernel refuses fentry and fexit programs (EPERM)")
        }
        _ => hooks::refusal(name, error),
    }
}
