//! What is fed and what must hold, one file per reader.
//!
//! The crate root brings `kernel`: the readers compiled in, or those of pagetrace.

mod btf;
mod fdinfo;
mod gfp;
mod kallsyms;
mod meminfo;
mod notes;
mod pageflags;
mod pagemap;
mod tracepoint;
mod zoneinfo;

/// Feeds the bytes to a reader and panics unless what it says is right.
pub(crate) type Check = fn(&[u8]);

/// All targets, each by the name of its samples' folder.
pub(crate) const ALL: [(&str, Check); 10] = [
    ("btf", btf::check),
    ("fdinfo", fdinfo::check),
    ("gfp", gfp::check),
    ("kallsyms", kallsyms::check),
    ("meminfo", meminfo::check),
    ("notes", notes::check),
    ("pageflags", pageflags::check),
    ("pagemap", pagemap::check),
    ("tracepoint", tracepoint::check),
    ("zoneinfo", zoneinfo::check),
];

/// The check of the target called `name`.
pub(crate) fn find(name: &str) -> Option<Check> {
    let (_, check) = ALL.iter().find(|(target, _)| *target == name)?;
    Some(*check)
}

/// The bytes as text, for readers whose caller has refused anything else.
fn text(data: &[u8]) -> &str {
    let valid = data.utf8_chunks().next();
    valid.map_or("", |chunk| chunk.valid())
}
