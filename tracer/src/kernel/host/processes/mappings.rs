//! The mappings of processes.

use std::{
    cmp::Reverse,
    io::{self, BufReader},
    time::Instant,
};

use super::{Detail, folder_of, unread::Parts};
use crate::{
    kernel::process,
    model::{Mapping, Process, ProcessPart, UnreadReason},
};

/// The mappings of those with the most anonymous memory, as long as there is time.
pub(super) fn add(processes: &mut [Process], detail: Detail, parts: &mut Parts) {
    let deadline = Instant::now() + detail.mappings_time;
    let mut largest: Vec<_> = processes.iter_mut().collect();
    largest.sort_by_key(|it| Reverse(it.anonymous_bytes));
    for process in largest.into_iter().take(detail.mappings_of) {
        if Instant::now() >= deadline {
            parts.note(ProcessPart::Mappings, process.pid, UnreadReason::OutOfTime);
        } else if process.rss_bytes.is_some() {
            let mappings = mappings(process);
            let mappings = mappings
                .map_err(|error| parts.not_there(ProcessPart::Mappings, process.pid, &error));
            process.mappings = mappings.ok();
        }
    }
}

/// The mappings of a process, by name.
pub fn mappings(process: &Process) -> io::Result<Vec<Mapping>> {
    let smaps = folder_of(process)?.file("smaps")?;
    process::mappings(BufReader::with_capacity(1 << 16, smaps))
}
