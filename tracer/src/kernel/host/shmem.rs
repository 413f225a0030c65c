//! Shared memory of the running machine: file systems, what processes hold, segments.

mod file_systems;
mod hidden;
mod limits;
mod mounts;
mod processes;
mod scan;
mod segments;

use std::{
    io,
    time::{Duration, Instant},
};

use anyhow::Result;

use self::{mounts::Mounts, processes::Processes, scan::Scan};
use super::meminfo_bytes;
use crate::{
    kernel::walk::Budget,
    model::{Device, Limitation, Shmem, ShmemContents},
};

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What is mounted, and how full it is.
    Mounts,
    /// What is in it, and who has what open and mapped.
    Contents,
}

/// A million files take about a second.
const MOST_FILES: u64 = 1_000_000;
const MOST_TIME: Duration = Duration::from_secs(2);

/// Shared memory, and what could not be looked at.
pub fn shmem(depth: Depth) -> Result<(Shmem, Vec<Limitation>)> {
    let processes = Processes::list()?;
    let mounts = Mounts::of(&processes);
    match depth {
        Depth::Mounts => {
            let file_systems = file_systems::all(&mounts, None);
            let limitations = limits::of_file_systems(&file_systems);
            let shmem = Shmem {
                file_systems,
                contents: None,
            };
            Ok((shmem, limitations))
        }
        Depth::Contents => contents(&processes, &mounts),
    }
}

fn contents(processes: &Processes, mounts: &Mounts) -> Result<(Shmem, Vec<Limitation>)> {
    let before_bytes = meminfo_bytes("Shmem")?;
    let mut budget = Budget {
        files: MOST_FILES,
        until: Instant::now() + MOST_TIME,
    };
    let mut file_systems = file_systems::all(mounts, Some(&mut budget));
    let (mut tables, unread) = segments::tables(processes);
    let mut scan = Scan::new(mounts, &mut file_systems);
    // This process last: what it has open it has from others, who are to be named.
    let (own, others) = processes.all.split_at(1);
    others.iter().chain(own).for_each(|it| scan.process(it));
    let scanned = scan.finish(&mut tables);
    let after_bytes = meminfo_bytes("Shmem")?;
    let mut limitations: Vec<_> = unread.into_iter().collect();
    limitations.extend(limits::of_file_systems(&file_systems));
    limitations.extend(limits::of_objects(&scanned.objects));
    let number = processes.all.len() as u64;
    limitations.extend(limits::of_processes(&scanned.unreadable, number));
    let mapped = scanned.unreadable.iter();
    let mapped = mapped.map(|process| processes::mapped_bytes(process.pid));
    let contents = ShmemContents {
        before_bytes,
        after_bytes,
        objects: scanned.objects,
        segments: segments::largest_first(tables),
        processes: number,
        unreadable_processes: scanned.unreadable.len() as u64,
        unreadable_mapped_bytes: mapped.fold(0, u64::saturating_add),
    };
    let contents = Some(contents);
    Ok((
        Shmem {
            file_systems,
            contents,
        },
        limitations,
    ))
}

/// A device number as files have it.
fn device(number: u64) -> Device {
    Device {
        major: rustix::fs::major(number),
        minor: rustix::fs::minor(number),
    }
}

/// Whether this user may not look, rather than that there is nothing to see.
fn is_denied(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}
