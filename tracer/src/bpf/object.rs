//! The embedded BPF objects, and what that of queries and probes is told before it is
//! loaded.

use std::{error::Error, io};

use anyhow::{Result, anyhow};
use aya::{Ebpf, EbpfError, EbpfLoader, Pod, include_bytes_aligned};
use tracer_ebpf::{CONFIG, QueryConfig, maps};

/// The programs and tables of the trace.
pub(super) static TRACE: &[u8] =
    include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/trace.bpf.o"));

/// The queries and probes.
pub(super) static QUERY: &[u8] =
    include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/query.bpf.o"));

/// The program that copies kernel memory.
pub(super) static MEMORY: &[u8] =
    include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/memory.bpf.o"));

/// How many page pointers the calibration may collect at once: those of its own
/// pages, and of what this process takes beside them.
const PROBED_PAGES: u32 = 1024;

#[derive(Clone, Copy)]
#[repr(transparent)]
struct QueryWire(QueryConfig);

// SAFETY: `repr(C)` words without padding; any bit pattern is a value.
unsafe impl Pod for QueryWire {}

/// Parses queries and probes that are told this.
pub(super) fn load_query(config: QueryConfig) -> Result<Ebpf> {
    // None of these programs needs BTF.
    let loaded = EbpfLoader::new()
        .btf(None)
        .override_global(CONFIG, &QueryWire(config), true)
        .map_max_entries(maps::PROBED_PAGES, PROBED_PAGES)
        .load(QUERY);
    loaded.map_err(|error| anyhow!("cannot use BPF: {}", reason(&error)))
}

/// Parses the program that copies kernel memory.
pub(super) fn load_memory() -> Result<Ebpf> {
    let loaded = EbpfLoader::new().btf(None).load(MEMORY);
    loaded.map_err(|error| anyhow!("cannot use BPF: {}", reason(&error)))
}

/// What the errors that a kernel without BPF, a locked-down one and a full one
/// give really mean.
pub(super) fn reason(error: &EbpfError) -> String {
    let chain = std::iter::successors(Some(error as &dyn Error), |&error| error.source());
    let code = chain
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .find_map(io::Error::raw_os_error);
    match code {
        Some(libc::ENOSYS) => "this kernel was built without CONFIG_BPF_SYSCALL".to_owned(),
        Some(libc::EPERM) => "the kernel forbids it; in a container, run pagetrace on the host, \
                              and see /sys/kernel/security/lockdown"
            .to_owned(),
        Some(libc::ENOMEM) => "there is not that much left".to_owned(),
        _ => error.to_string(),
    }
}
