//! The ring buffers of perf events, which nobody reads.

use std::io;

use perf_event::{Builder, Sampler, events::Software};
use rustix::param::page_size;

use super::Held;
use crate::announcement::Announcement;

/// `leak perf-rings`
#[derive(clap::Args)]
pub struct PerfRings {
    /// How many rings
    #[arg(long, default_value_t = 8)]
    pub count: usize,
    /// Each has 2^ORDER pages for samples, and one that says where they are
    #[arg(long, default_value_t = 8)]
    pub order: u32,
}

impl PerfRings {
    /// Maps the rings and keeps them.
    pub fn take(&self) -> io::Result<Held> {
        let rings = (0..self.count)
            .map(|_| self.ring())
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Held::new(Announcement::holding(self.pages()), rings))
    }

    /// How many pages that takes.
    pub fn pages(&self) -> u64 {
        (self.count * ((1 << self.order) + 1)) as u64
    }

    /// The ring of an event that never happens.
    fn ring(&self) -> io::Result<Sampler> {
        let event = Builder::new(Software::DUMMY).build()?;
        event.sampled(page_size() << self.order)
    }
}
