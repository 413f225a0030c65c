//! What a mapping of a process holds.

use std::{
    io,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Error, Result, anyhow};

use crate::{
    analysis::{
        peek::{Scanner, spread},
        processes::largest_growth,
    },
    kernel::host::processes::ProcessMemory,
    model::{MappingGrowth, PageRun, Peek, Process},
};

/// How long it may take.
const TIME: Duration = Duration::from_secs(2);

/// How many bytes are read at most.
const BYTES: u64 = 8 << 20;

/// In how many rounds the sample is read, each spread over all of it: should time run out, what was
/// read is a sample still.
const ROUNDS: usize = 8;

/// Reads a sample of the mapping that grew most or, if none did, has most anonymous memory.
pub(in crate::commands) fn peek(
    process: &Process,
    mappings: &[MappingGrowth],
    raw: bool,
) -> Result<Peek> {
    let start = Instant::now();
    let name = choose(mappings).context("it has no memory to look into")?;
    let context = || format!("cannot look into the memory of process {}", process.pid);
    let memory = ProcessMemory::open(process).map_err(with_remedy);
    let memory = memory.with_context(context)?;
    let present = memory
        .present(&name, start + TIME / 2)
        .with_context(context)?;
    let sample = spread(&present, BYTES / memory.page_size(), memory.page_size());
    let mut reading = Reading {
        memory,
        scanner: Scanner::new(raw),
        read: 0,
        unreadable: 0,
    };
    let is_whole = reading.read_all(&sample, start + TIME);
    Ok(Peek {
        mapping: name,
        present_pages: present.iter().map(|run| run.pages).sum(),
        sampled_pages: reading.read,
        unreadable_pages: reading.unreadable,
        is_cut_short: !is_whole,
        took_seconds: start.elapsed().into(),
        ..reading.scanner.peek()
    })
}

/// A process may read the memory of those that it may trace (ptrace(2)).
fn with_remedy(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::PermissionDenied => anyhow!("{error}: run it as root"),
        _ => error.into(),
    }
}

fn choose(mappings: &[MappingGrowth]) -> Option<String> {
    if let Some(grown) = largest_growth(mappings) {
        return Some(grown.name);
    }
    let mappings = mappings.iter().map(|it| &it.mapping);
    let largest = mappings.max_by_key(|it| (it.anonymous_bytes, it.rss_bytes))?;
    Some(largest.name.clone())
}

struct Reading {
    memory: ProcessMemory,
    scanner: Scanner,
    read: u64,
    unreadable: u64,
}

impl Reading {
    /// Whether there was time for all.
    fn read_all(&mut self, sample: &[PageRun], deadline: Instant) -> bool {
        let rounds = (0..ROUNDS).map(|round| sample.iter().skip(round).step_by(ROUNDS));
        rounds.flatten().all(|run| {
            self.take(*run, self.memory.read(*run));
            Instant::now() < deadline
        })
    }

    fn take(&mut self, run: PageRun, bytes: io::Result<Vec<u8>>) {
        let bytes = bytes.unwrap_or_default();
        let pages = bytes.len() as u64 / self.memory.page_size();
        self.read += pages;
        self.unreadable += run.pages.saturating_sub(pages);
        self.scanner.feed(&bytes);
    }
}
