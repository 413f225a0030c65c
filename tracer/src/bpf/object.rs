//! The embedded BPF object, and what it is told before it is loaded.

use std::{error::Error, io};

use anyhow::{Result, anyhow};
use aya::{Ebpf, EbpfError, EbpfLoader, include_bytes_aligned};
use tracer_ebpf::{constants, maps};

use super::PageArray;

pub(super) static OBJECT: &[u8] =
    include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/pagetrace.bpf.o"));

/// How many page pointers the calibration may collect at once: those of its own
/// pages, and of what this process takes beside them.
const PROBED_PAGES: u32 = 1024;

/// Creates the maps, as small as they can be, and parses the programs for a
/// first look.
pub(super) fn load_small() -> Result<Ebpf> {
    small(&mut EbpfLoader::new())
}

/// The same for the calibration, which watches the process with this id in the
/// initial namespace.
pub(super) fn load_for_calibration(own_process: u32) -> Result<Ebpf> {
    small(
        EbpfLoader::new()
            .override_global(constants::OWN_PROCESS, &own_process, true)
            .map_max_entries(maps::PROBED_PAGES, PROBED_PAGES),
    )
}

/// The same for programs that look at page structs.
pub(super) fn load_for_pages(array: PageArray) -> Result<Ebpf> {
    small(
        EbpfLoader::new()
            .override_global(constants::PAGE_ARRAY, &array.base, true)
            .override_global(constants::PAGE_STRUCT_SIZE, &array.layout.size, true),
    )
}

fn small(loader: &mut EbpfLoader<'_>) -> Result<Ebpf> {
    // None of the programs that need BTF is loaded.
    let loaded = loader.btf(None).load(OBJECT);
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
