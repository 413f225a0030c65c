//! Messages from the programs, which they send in rare paths only.

use std::os::fd::{AsRawFd, RawFd};

use anyhow::{Context as _, Result};
use aya::Ebpf;
use aya_log::EbpfLogger;

/// The ring buffer of messages; readable when there is one.
pub struct KernelLog(EbpfLogger<&'static dyn log::Log>);

impl KernelLog {
    pub(super) fn open(ebpf: &mut Ebpf) -> Result<Self> {
        EbpfLogger::init(ebpf)
            .map(Self)
            .context("cannot read the programs' messages")
    }

    /// Hands all waiting messages to the `log` crate.
    pub fn flush(&mut self) {
        self.0.flush();
    }
}

impl AsRawFd for KernelLog {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
