//! What the readers of kernel text are fed, and what must hold: one file per reader.

mod bpf_fdinfo;
mod btf;
mod case;
mod dma_buf;
mod drm_fdinfo;
mod fdinfo;
mod gfp;
mod kallsyms;
mod maps;
mod meminfo;
mod mountinfo;
mod netlink;
mod notes;
mod packet_diag;
mod page_pool;
mod pageflags;
mod pagemap;
mod peek;
mod proc_net;
mod process;
mod report;
mod ring_mappings;
mod slabinfo;
mod smaps;
mod snapshot;
mod sock_diag;
mod sysvipc;
mod tracepoint;
mod vmallocinfo;
mod zoneinfo;

/// Panics unless what a reader says of the bytes is right.
type Check = fn(&[u8]);

/// All checks, each by the name of its fuzz target and of the folder of its samples.
pub const CHECKS: [(&str, Check); 30] = [
    ("bpf_fdinfo", bpf_fdinfo::check),
    ("btf", btf::check),
    ("case", case::check),
    ("dma_buf", dma_buf::check),
    ("drm_fdinfo", drm_fdinfo::check),
    ("fdinfo", fdinfo::check),
    ("gfp", gfp::check),
    ("kallsyms", kallsyms::check),
    ("maps", maps::check),
    ("meminfo", meminfo::check),
    ("mountinfo", mountinfo::check),
    ("netlink", netlink::check),
    ("notes", notes::check),
    ("packet_diag", packet_diag::check),
    ("page_pool", page_pool::check),
    ("pageflags", pageflags::check),
    ("pagemap", pagemap::check),
    ("peek", peek::check),
    ("proc_net", proc_net::check),
    ("process", process::check),
    ("report", report::check),
    ("ring_mappings", ring_mappings::check),
    ("slabinfo", slabinfo::check),
    ("smaps", smaps::check),
    ("snapshot", snapshot::check),
    ("sock_diag", sock_diag::check),
    ("sysvipc", sysvipc::check),
    ("tracepoint", tracepoint::check),
    ("vmallocinfo", vmallocinfo::check),
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
