//! Pieces of shared memory, as entries of a ranking.

use std::cmp::Reverse;

use crate::model::{
    FileSystemCause, Holders, MemoryFileSystem, Shmem, ShmemContents, ShmemEntry, ShmemKind,
    ShmemObject, SizedFile, SysvSegment,
};

/// Files and memory without a name, largest first.
pub(super) fn pieces(shmem: &Shmem, contents: &ShmemContents) -> Vec<ShmemEntry> {
    let file_systems = shmem.file_systems.iter().filter(|it| it.is_shmem());
    let files = file_systems.flat_map(|it| {
        let files = it.files.iter().flat_map(|files| &files.largest);
        files.map(|file| named_file(it, file))
    });
    let objects = contents.objects.iter().map(object);
    let segments = contents.segments.iter().filter(|it| !it.is_huge);
    largest_first(files.chain(objects).chain(segments.map(segment)))
}

fn largest_first(pieces: impl Iterator<Item = ShmemEntry>) -> Vec<ShmemEntry> {
    let mut pieces: Vec<_> = pieces.filter(|piece| piece.bytes > 0).collect();
    pieces.sort_by_key(|piece| Reverse(piece.bytes));
    pieces
}

/// What has most: a file system, or a piece that is in none, or nobody.
pub(super) fn largest(
    shmem: &Shmem,
    contents: &ShmemContents,
    pieces: &[ShmemEntry],
    unattributed: i64,
) -> Option<ShmemEntry> {
    let whole = file_systems(shmem, contents);
    let beside = pieces.iter().filter(|piece| !is_in_file_system(piece.kind));
    let rest = entry(
        ShmemKind::Unattributed,
        String::new(),
        unattributed.try_into().unwrap_or(0),
    );
    let all = whole.chain(beside.cloned()).chain([rest]);
    all.max_by_key(|it| it.bytes).filter(|it| it.bytes > 0)
}

/// File systems, each as a whole.
pub(super) fn file_systems(
    shmem: &Shmem,
    contents: &ShmemContents,
) -> impl Iterator<Item = ShmemEntry> {
    let file_systems = shmem.file_systems.iter().filter(|it| it.is_shmem());
    file_systems.map(|it| ShmemEntry {
        limit_bytes: it.limit_bytes,
        seen_by: it.seen_by.clone(),
        ..entry(
            ShmemKind::FileSystem,
            name_of(it),
            super::used_bytes(it, contents),
        )
    })
}

/// File systems, each as a whole and with its files, largest first: those that were deleted and are open
/// still are among them.
pub(in crate::analysis) fn by_file_system(
    shmem: &Shmem,
    contents: &ShmemContents,
) -> Vec<FileSystemCause> {
    let counted = shmem.file_systems.iter().filter(|it| it.is_shmem());
    let wholes = file_systems(shmem, contents);
    let causes = counted.zip(wholes).map(|(it, whole)| FileSystemCause {
        device: it.device,
        whole,
        files: files(it, contents),
        deleted_bytes: super::deleted_bytes(it, contents),
    });
    causes.collect()
}

fn files(it: &MemoryFileSystem, contents: &ShmemContents) -> Vec<ShmemEntry> {
    let named = it.files.iter().flat_map(|files| &files.largest);
    let named = named.map(|file| named_file(it, file));
    let deleted = contents.objects.iter().filter(|of| of.device == it.device);
    largest_first(named.chain(deleted.map(object)))
}

/// What a file system is called.
pub(super) fn name_of(it: &MemoryFileSystem) -> String {
    match it.point.as_str() {
        "" => "mounted nowhere any more".to_owned(),
        point => point.to_owned(),
    }
}

fn is_in_file_system(kind: ShmemKind) -> bool {
    use ShmemKind::{DeletedFile, DetachedFile, File};
    matches!(kind, File | DeletedFile | DetachedFile)
}

fn entry(kind: ShmemKind, name: String, bytes: u64) -> ShmemEntry {
    ShmemEntry {
        kind,
        name,
        bytes,
        limit_bytes: None,
        creator: None,
        seen_by: None,
        holders: Holders::default(),
    }
}

fn named_file(file_system: &MemoryFileSystem, file: &SizedFile) -> ShmemEntry {
    let point = file_system.point.trim_end_matches('/');
    let path = format!("{point}/{}", file.path);
    ShmemEntry {
        seen_by: file_system.seen_by.clone(),
        holders: file.holders.clone(),
        ..entry(ShmemKind::File, path, file.bytes)
    }
}

fn object(object: &ShmemObject) -> ShmemEntry {
    ShmemEntry {
        holders: object.holders.clone(),
        ..entry(object.kind, object.name.clone(), object.bytes.unwrap_or(0))
    }
}

fn segment(segment: &SysvSegment) -> ShmemEntry {
    let kind = match segment.attached {
        0 => ShmemKind::OrphanedSegment,
        _ => ShmemKind::Segment,
    };
    ShmemEntry {
        creator: segment.creator.clone(),
        seen_by: segment.seen_by.clone(),
        holders: segment.holders.clone(),
        ..entry(kind, segment.id.to_string(), segment.bytes())
    }
}
