//! Pages in pipes that nobody reads.

use std::{
    io::{self, IoSlice},
    os::fd::OwnedFd,
};

use rustix::{
    io::writev,
    param::page_size,
    pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, tee},
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use super::Held;
use crate::announcement::Announcement;

/// `leak pipes`
#[derive(clap::Args)]
pub struct Pipes {
    /// How many pipes
    #[arg(long, default_value_t = 500)]
    pub count: usize,
    /// Pages in each
    #[arg(long, default_value_t = 16)]
    pub pages: usize,
}

impl Pipes {
    /// Opens the pipes, fills them and keeps them.
    pub fn take(&self) -> io::Result<Held> {
        let pipes = self.open()?;
        let payload = payload(self.pages);
        pipes.iter().try_for_each(|pipe| pipe.fill(&payload))?;
        let pages = (self.count * self.pages) as u64;
        Ok(Held::new(Announcement::holding(pages), pipes))
    }

    /// Opens the pipes, each with room for its pages.
    pub fn open(&self) -> io::Result<Vec<Pipe>> {
        allow_many_files()?;
        (0..self.count).map(|_| Pipe::open(self.pages)).collect()
    }
}

/// Both ends of a pipe.
pub struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Pipe {
    /// Opens an empty pipe with room for `pages`.
    pub fn open(pages: usize) -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        fcntl_setpipe_size(&writer, pages * page_size())?;
        Ok(Self { reader, writer })
    }

    /// Puts `payload` into the pipe, one page allocation for each page of it.
    ///
    /// `writev`, because hardly any program uses it on a pipe: the stack, and so
    /// the site in a report, is this leak's own whatever else the machine does.
    pub fn fill(&self, payload: &[u8]) -> io::Result<()> {
        whole(
            writev(&self.writer, &[IoSlice::new(payload)])?,
            payload.len(),
        )
    }

    /// Puts the very pages that are in this pipe into another as well.
    pub fn share_with(&self, other: &Self, bytes: usize) -> io::Result<()> {
        let flags = SpliceFlags::NONBLOCK;
        whole(tee(&self.reader, &other.writer, bytes, flags)?, bytes)
    }

    /// One end, which is enough to keep what is in the pipe.
    pub fn into_one_end(self) -> OwnedFd {
        self.writer
    }
}

fn whole(done: usize, wanted: usize) -> io::Result<()> {
    if done < wanted {
        return Err(io::Error::other(format!("{done} of {wanted} bytes fit")));
    }
    Ok(())
}

/// That many pages of bytes to put into a pipe.
pub fn payload(pages: usize) -> Vec<u8> {
    vec![0xa5; pages * page_size()]
}

/// Lets this process have as many files as it may.
pub(super) fn allow_many_files() -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?)
}
