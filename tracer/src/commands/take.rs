//! A snapshot, from the running machine or from a file.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    holders, holding,
    page_frames::{FirstLook, first_look},
    pages, sock,
};
use crate::{
    analysis, bpf,
    cli::Input,
    kernel::host::{self, Depth, processes::Detail},
    model::{
        Feature, HoldersBy, HoldersReport, KnownHolder, Limitation, PagesReport, Processes, Saved,
        Shmem, Snapshot, SnapshotSchema, SocketsReport, Tool,
    },
};

/// What a file of zstd's format begins with (RFC 8878, 3.1.1).
const COMPRESSED: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// No snapshot is larger, however well it was compressed.
const LARGEST: u64 = 4 << 30;

/// How much of the running machine a verb has read beside the counters. A file has what it has.
#[derive(Clone, Copy)]
pub(super) struct Parts {
    pub(super) shmem: Depth,
    pub(super) processes: bool,
    pub(super) kernel_memory: KernelParts,
}

/// What is read of the kernel's own memory.
#[derive(Clone, Copy)]
pub(super) enum KernelParts {
    /// Nothing.
    Nothing,
    /// Who holds page frames, in place of what their own accounts tell of pipes, sockets and rings.
    Holders,
    /// All of it.
    All,
}

impl Parts {
    /// What takes next to no time.
    pub(super) const QUICK: Self = Self {
        shmem: Depth::Mounts,
        processes: false,
        kernel_memory: KernelParts::Nothing,
    };
    /// The same, and who holds page frames.
    pub(super) const HOLDERS: Self = Self {
        kernel_memory: KernelParts::Holders,
        ..Self::QUICK
    };
    /// All of shared memory.
    pub(super) const SHMEM: Self = Self {
        shmem: Depth::Contents,
        processes: false,
        kernel_memory: KernelParts::Nothing,
    };
    /// All there is.
    pub(super) const ALL: Self = Self {
        shmem: Depth::Contents,
        processes: true,
        kernel_memory: KernelParts::All,
    };
}
/// What a snapshot keeps of processes: there is time, as nobody waits for a screen.
const DETAIL: Detail = Detail {
    pss_time: Duration::from_secs(5),
    pss_of: 0,
    mappings_of: 50,
    mappings_time: Duration::from_secs(5),
};

/// The snapshot in this file, or that of the running machine if there is none.
pub(super) fn snapshot(from: Option<&Input>, parts: Parts) -> Result<Snapshot> {
    from.map_or_else(|| running(parts), saved)
}

/// The machine's memory now.
pub(super) fn running(parts: Parts) -> Result<Snapshot> {
    let (memory, mut limitations) = host::memory_counters()?;
    let (mut holders, unread) = host::known_holders(&memory, bpf::objects());
    limitations.extend(unread);
    let shmem = shmem(parts.shmem, &mut limitations);
    let processes = parts.processes.then(|| processes(&mut limitations));
    let kernel = kernel_memory(parts.kernel_memory, &mut holders).unwrap_or_else(|error| {
        let why = format!("{error:#}");
        let sockets = listed(parts.kernel_memory, &why);
        limitations.push(Feature::PageHolders.degraded(why));
        KernelReports {
            sockets,
            ..KernelReports::default()
        }
    });
    Ok(Snapshot {
        schema: SnapshotSchema::V1,
        tool: Tool::own(),
        host: host::running()?,
        taken_at: Timestamp::now(),
        memory,
        census: None,
        holders: Some(holders),
        shmem,
        processes: processes.flatten(),
        pages: kernel.pages,
        page_holders: kernel.page_holders,
        sockets: kernel.sockets,
        limitations,
    })
}

/// What the kernel's own memory tells.
#[derive(Default)]
struct KernelReports {
    pages: Option<PagesReport>,
    page_holders: Option<HoldersReport>,
    sockets: Option<SocketsReport>,
}

/// Page frames, who holds them, and sockets. Of the known holders, those that were followed are what
/// they were found to hold.
fn kernel_memory(parts: KernelParts, known: &mut Vec<KnownHolder>) -> Result<KernelReports> {
    if matches!(parts, KernelParts::Nothing) {
        return Ok(KernelReports::default());
    }
    first_look(|first| followed(parts, known, first))
}

fn followed(
    parts: KernelParts,
    known: &mut Vec<KnownHolder>,
    first: FirstLook<'_>,
) -> Result<KernelReports> {
    let FirstLook {
        mut frames,
        btf,
        started,
        limitations,
    } = first;
    let look = holding::look_at(&mut frames, btf, started, false, limitations.clone())?;
    known.retain(|holder| !holder.kind.is_walked());
    known.extend(analysis::walked_holders(
        &look.found,
        &look.held,
        &look.about,
    ));
    let page_holders = Some(holders::report(&look, HoldersBy::default())?);
    if matches!(parts, KernelParts::Holders) {
        return Ok(KernelReports {
            page_holders,
            ..KernelReports::default()
        });
    }
    let pages = pages::report_of(&mut frames, btf, started, None, limitations)?;
    Ok(KernelReports {
        pages: Some(pages),
        page_holders,
        sockets: Some(sock::report(&look)?),
    })
}

/// Sockets as the kernel lists them, if all is asked for, and why their queues were not followed.
fn listed(parts: KernelParts, why: &str) -> Option<SocketsReport> {
    match parts {
        KernelParts::All => sock::listed(why).ok(),
        KernelParts::Nothing | KernelParts::Holders => None,
    }
}

/// Shared memory, so deep.
fn shmem(depth: Depth, limitations: &mut Vec<Limitation>) -> Option<Shmem> {
    match host::shmem(depth) {
        Ok((shmem, unseen)) => {
            limitations.extend(unseen);
            Some(shmem)
        }
        Err(error) => {
            limitations.push(Feature::MemoryFileSystems.degraded(format!("{error:#}")));
            None
        }
    }
}

/// The processes, with the mappings of the largest.
fn processes(limitations: &mut Vec<Limitation>) -> Option<Processes> {
    match host::processes::processes(DETAIL) {
        Ok((processes, limits)) => {
            limitations.extend(limits);
            Some(processes)
        }
        Err(error) => {
            limitations.push(Feature::Processes.degraded(format!("{error:#}")));
            None
        }
    }
}

/// What was saved, compressed or not.
pub(super) fn saved<T: Saved>(input: &Input) -> Result<T> {
    read(input, T::from_json)
}

/// A document of one of two kinds.
pub(super) enum Either<A, B> {
    First(Box<A>),
    Second(Box<B>),
}

/// What was saved: `A` if it says that it is one, else `B`.
pub(super) fn either<A: Saved, B: Saved>(input: &Input) -> Result<Either<A, B>> {
    read(input, |json| {
        Ok(if A::is_meant(json) {
            Either::First(Box::new(A::from_json(json)?))
        } else {
            Either::Second(Box::new(B::from_json(json)?))
        })
    })
}

/// A report that was saved by itself, or as a part of a snapshot; `what` it is about stands in the
/// error of a snapshot that was taken without it.
pub(super) fn part<T: Saved>(
    input: &Input,
    of_snapshot: impl Fn(Snapshot) -> Option<T>,
    what: &str,
) -> Result<T> {
    read(input, |json| {
        if Snapshot::is_meant(json) {
            let part = of_snapshot(Snapshot::from_json(json)?);
            return part.with_context(|| format!("it was taken without a look at {what}"));
        }
        T::from_json(json)
    })
}

fn read<T>(input: &Input, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let (name, bytes) = bytes(input);
    let context = || format!("cannot read {}", name.display());
    let json = bytes.and_then(decompressed).with_context(context)?;
    parse(&json).with_context(context)
}

/// What a document was read from, and its bytes.
pub(super) fn bytes(input: &Input) -> (&Path, io::Result<Vec<u8>>) {
    match input {
        Input::Stdin => {
            let mut bytes = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut bytes);
            (Path::new("stdin"), read.map(|_| bytes))
        }
        Input::File(path) => (path, fs::read(path)),
    }
}

fn decompressed(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if !bytes.starts_with(&COMPRESSED) {
        return Ok(bytes);
    }
    let mut json = Vec::new();
    let decoder = zstd::Decoder::new(&bytes[..])?;
    let len = decoder.take(LARGEST).read_to_end(&mut json)?;
    if len as u64 == LARGEST {
        return Err(io::Error::other("it is larger than a snapshot can be"));
    }
    Ok(json)
}

/// The same of a file that may end in the middle: as much as there is.
pub(super) fn decompressed_up_to_its_end(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if !bytes.starts_with(&COMPRESSED) {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    let decoder = zstd::Decoder::new(&bytes[..])?;
    match decoder.take(LARGEST).read_to_end(&mut text) {
        Err(error) if text.is_empty() => Err(error),
        _ => Ok(text),
    }
}

/// Writes a document, compressed.
pub(super) fn compress<T: Serialize>(document: &T, out: &mut dyn io::Write) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
    crate::render::document(document, &mut encoder)?;
    encoder.finish()?;
    Ok(())
}
