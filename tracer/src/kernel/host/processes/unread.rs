//! What could not be read of processes, counted by what it was and why.

use std::{collections::BTreeMap, io, str::FromStr};

use crate::{
    kernel::process::{ProcessFolder, reason},
    model::{ProcessPart, Unread, UnreadReason},
};

/// The counts, each with a pid.
#[derive(Default)]
pub(super) struct Parts {
    counts: BTreeMap<(ProcessPart, UnreadReason), (u64, u32)>,
}

impl Parts {
    pub(super) fn note(&mut self, what: ProcessPart, pid: u32, reason: UnreadReason) {
        // A process ends as a whole, whatever was to be read of it.
        let what = match reason {
            UnreadReason::Ended => ProcessPart::Process,
            _ => what,
        };
        let (count, _) = self.counts.entry((what, reason)).or_insert((0, pid));
        *count += 1;
    }

    /// Notes why the folder of a process could not be opened, or is another's.
    pub(super) fn not_there(&mut self, what: ProcessPart, pid: u32, error: &io::Error) {
        let reason = match reason(error) {
            UnreadReason::Missing => UnreadReason::Ended,
            other => other,
        };
        self.note(what, pid, reason);
    }

    pub(super) fn unread(self) -> Vec<Unread> {
        let unread = |((what, reason), (processes, example_pid))| Unread {
            what,
            reason,
            processes,
            example_pid,
        };
        self.counts.into_iter().map(unread).collect()
    }
}

/// Reads files of one process.
pub(super) struct Reader<'a> {
    pid: u32,
    folder: ProcessFolder,
    has_ended: bool,
    parts: &'a mut Parts,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(pid: u32, folder: ProcessFolder, parts: &'a mut Parts) -> Self {
        Self {
            pid,
            folder,
            has_ended: false,
            parts,
        }
    }

    /// The first bytes of a file; none, and noted, if it cannot be read.
    pub(super) fn read(&mut self, what: ProcessPart, name: &str, limit: u64) -> Option<Vec<u8>> {
        if self.has_ended {
            return None;
        }
        let read = self.folder.read(name, limit);
        read.map_err(|error| self.failed(what, reason(&error))).ok()
    }

    /// The number in a file.
    pub(super) fn number<T: FromStr>(&mut self, what: ProcessPart, name: &str) -> Option<T> {
        let bytes = self.read(what, name, 64)?;
        str::from_utf8(&bytes).ok()?.trim().parse().ok()
    }

    pub(super) fn note(&mut self, what: ProcessPart, reason: UnreadReason) {
        self.parts.note(what, self.pid, reason);
    }

    /// Whether the process was there for all that was read.
    pub(super) const fn is_alive(&self) -> bool {
        !self.has_ended
    }

    fn failed(&mut self, what: ProcessPart, reason: UnreadReason) {
        let is_there = reason != UnreadReason::Missing || self.folder.read("stat", 64).is_ok();
        let reason = if is_there {
            reason
        } else {
            UnreadReason::Ended
        };
        self.has_ended |= reason == UnreadReason::Ended;
        self.note(what, reason);
    }
}
