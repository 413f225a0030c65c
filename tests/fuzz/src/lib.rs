//! What the readers of kernel text are fed, and what must hold: one file per reader.

mod btf;
mod fdinfo;
mod gfp;
mod kallsyms;
mod meminfo;
mod mountinfo;
mod notes;
mod pageflags;
mod pagemap;
mod peek;
mod process;
mod report;
mod smaps;
mod tracepoint;
mod zoneinfo;

/// Panics unless what a reader says of the bytes is right.
type Check = fn(&[u8]);

/// All checks, each by the name of its fuzz target and of the folder of its samples.
pub const CHECKS: [(&str, Check); 15] = [
    ("btf", btf::check),
    ("fdinfo", fdinfo::check),
    ("gfp", gfp::check),
    ("kallsyms", kallsyms::check),
    ("meminfo", meminfo::check),
    ("mountinfo", mountinfo::check),
    ("notes", notes::check),
    ("pageflags", pageflags::check),
    ("pagemap", pagemap::check),
    ("peek", peek::check),
    ("process", process::check),
    ("report", report::check),
    ("smaps", smaps::check),
    ("tracepoint", tracepoint::check),
    ("zoneinfo", zoneinfo::check),
];

/// Feeds the bytes to the reader called `name`, and panics unless what it says is right.
pub fn check(name: &str, data: &[u8]) {
    let (_, check) = CHECKS
        .iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("there is no check called {name}"));
    check(data);
}

/// The bytes as text, for readers whose caller has refused anything else.
fn text(data: &[u8]) -> &str {
    let valid = data.utf8_chunks().next();
    valid.map_or("", |chunk| chunk.valid())
}
