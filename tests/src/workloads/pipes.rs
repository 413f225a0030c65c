//! Pipes of 16 pages, each page an allocation of its own.

use std::io;

use super::Workload;
use crate::leaks::{Pipe, payload};

const PAGES: usize = 16;

/// What each pipe is filled with.
///
/// A pipe is closed and not read: it would keep up to two of its pages.
pub(super) struct Pipes(Vec<u8>);

impl Pipes {
    pub(super) fn new() -> Self {
        Self(payload(PAGES))
    }
}

impl Workload for Pipes {
    fn operate(&mut self) -> io::Result<()> {
        Pipe::open(PAGES)?.fill(&self.0)
    }
}
