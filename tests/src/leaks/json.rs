//! Anonymous memory full of JSON.

use std::{
    io,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use memmap2::{Advice, MmapMut};
use rustix::param::page_size;

use super::Held;
use crate::announcement::Announcement;

/// What stands in each document under `password`.
pub const PASSWORD: &str = "hunter2-and-more";

/// How often the memory grows, in a second.
const STEPS: usize = 20;

/// `leak json`
#[derive(clap::Args)]
pub struct Json {
    /// How many MiB to fill at once
    #[arg(long, default_value_t = 8)]
    pub mib: usize,
    /// How many MiB to fill in each second after that
    #[arg(long, default_value_t = 0)]
    pub mib_per_second: usize,
    /// How many MiB to map; what is not filled is never touched
    #[arg(long, default_value_t = 512)]
    pub at_most_mib: usize,
}

impl Json {
    /// Maps the memory, fills a part with documents, and goes on.
    pub fn take(&self) -> io::Result<Held> {
        let memory = MmapMut::map_anon(self.at_most_mib << 20)?;
        memory.advise(Advice::NoHugePage)?;
        let mut pile = Pile { memory, filled: 0 };
        pile.grow(self.mib << 20);
        let pages = (pile.filled / page_size()) as u64;
        let pile = Arc::new(Mutex::new(pile));
        let (growing, step) = (Arc::clone(&pile), (self.mib_per_second << 20) / STEPS);
        if step > 0 {
            thread::spawn(move || {
                while let Ok(mut pile) = growing.lock() {
                    pile.grow(step);
                    drop(pile);
                    thread::sleep(Duration::from_secs(1) / STEPS as u32);
                }
            });
        }
        Ok(Held::new(Announcement::holding(pages), pile))
    }
}

struct Pile {
    memory: MmapMut,
    filled: usize,
}

impl Pile {
    /// Fills so many bytes more, or what is left, with one document to each 128.
    fn grow(&mut self, bytes: usize) {
        const DOCUMENT: usize = 128;
        let end = self.memory.len().min(self.filled + bytes);
        for place in self.memory[self.filled..end].chunks_exact_mut(DOCUMENT) {
            let number = self.filled / DOCUMENT;
            let document = format!(
                "\n{{\"session\":{number},\"user\":\"somebody\",\"password\":\"{PASSWORD}\"}}"
            );
            place[..document.len()].copy_from_slice(document.as_bytes());
            self.filled += DOCUMENT;
        }
    }
}
