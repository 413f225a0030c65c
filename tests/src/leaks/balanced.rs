//! Pages that are taken and given back.

use std::io;

use super::{Held, Pipe, payload};
use crate::announcement::Announcement;

/// `leak balanced`
#[derive(clap::Args)]
pub struct Balanced {
    /// How many pages to take and give back, one after the other
    #[arg(long, default_value_t = 1000)]
    pub count: usize,
    /// How many more to take from the same place and keep
    #[arg(long, default_value_t = 0)]
    pub keep: usize,
}

impl Balanced {
    /// Takes a page in a fresh pipe and closes it, `count` times.
    ///
    /// One pipe filled and drained would not do: a pipe keeps up to two of the
    /// pages it was emptied of, and writes into those first.
    pub fn take(&self) -> io::Result<Held> {
        for _ in 0..self.count {
            one_page()?;
        }
        let kept = (0..self.keep)
            .map(|_| one_page())
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Held::new(Announcement::released(self.count as u64), kept))
    }
}

fn one_page() -> io::Result<Pipe> {
    let pipe = Pipe::open(1)?;
    pipe.fill(&payload(1))?;
    Ok(pipe)
}
