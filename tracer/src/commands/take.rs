//! A snapshot, from the running machine or from a file.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use crate::{
    cli::Input,
    kernel::host::{self, processes::Detail},
    model::{Feature, Limitation, Processes, Saved as _, Snapshot, SnapshotSchema, Tool},
};

/// What a file of zstd's format begins with (RFC 8878, 3.1.1).
const COMPRESSED: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// No snapshot is larger, however well it was compressed.
const LARGEST: u64 = 4 << 30;

/// What a snapshot keeps of processes: there is time, as nobody waits for a screen.
const DETAIL: Detail = Detail {
    pss_time: Duration::from_secs(5),
    pss_of: 0,
    mappings_of: 50,
    mappings_time: Duration::from_secs(5),
};

/// The snapshot in this file, or that of the running machine if there is none.
pub(super) fn snapshot(from: Option<&Input>) -> Result<Snapshot> {
    from.map_or_else(running, saved)
}

/// The counters of the machine's memory now.
fn running() -> Result<Snapshot> {
    let (memory, limitations) = host::memory_counters()?;
    Ok(Snapshot {
        schema: SnapshotSchema::V1,
        tool: Tool::own(),
        host: host::running()?,
        taken_at: Timestamp::now(),
        memory,
        processes: None,
        limitations,
    })
}

/// The same with what takes longer to read, and a look at counters alone can do without.
pub(super) fn everything() -> Result<Snapshot> {
    let mut snapshot = running()?;
    snapshot.processes = processes(&mut snapshot.limitations);
    Ok(snapshot)
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

/// A snapshot that was saved, compressed or not.
pub(super) fn saved(input: &Input) -> Result<Snapshot> {
    let (name, bytes) = bytes(input);
    let context = || format!("cannot read {}", name.display());
    let json = bytes.and_then(decompressed).with_context(context)?;
    Snapshot::from_json(&json).with_context(context)
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

/// Writes a snapshot, compressed.
pub(super) fn compress(snapshot: &Snapshot, out: &mut dyn io::Write) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
    crate::render::document(snapshot, &mut encoder)?;
    encoder.finish()?;
    Ok(())
}
