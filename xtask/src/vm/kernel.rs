//! The kernels that the suite is run on: Debian's, made for virtual machines.

use std::path::{Path, PathBuf};

/// Where Debian has a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernel {
    /// Of which releases the newest is taken.
    pub(super) series: &'static str,
    /// The suite that has it.
    pub(super) suite: &'static str,
    /// How the name of the package with the image begins.
    pub(super) image: &'static str,
    /// Whether a module is built for it.
    pub(super) module: bool,
}

/// The oldest that pagetrace promises to work on.
pub(super) const OLDEST: Kernel = Kernel {
    series: "5.10",
    suite: "bullseye",
    image: "linux-image-5.10.",
    module: false,
};

/// Debian 12's, and the one with the module that leaks.
pub(super) const WITH_MODULE: Kernel = Kernel {
    series: "6.1",
    suite: "bookworm",
    image: "linux-image-6.1.",
    module: true,
};

/// Debian 13's.
pub(super) const STABLE: Kernel = Kernel {
    series: "6.12",
    suite: "trixie",
    image: "linux-image-6.12.",
    module: false,
};

/// Debian's newest.
pub(super) const NEWEST: Kernel = Kernel {
    series: "7",
    suite: "sid",
    // From 7.2 on, linux-image-… is a package without a kernel in it.
    image: "linux-binary-7.",
    module: false,
};

/// All of them.
pub(super) const ALL: [Kernel; 4] = [OLDEST, WITH_MODULE, STABLE, NEWEST];

impl Kernel {
    /// Its folder of those in `vm`.
    pub(super) fn folder(&self, vm: &Path) -> PathBuf {
        vm.join(self.series)
    }
}
