//! The kernels that the suite is run on: Debian's, made for virtual machines.

use std::path::{Path, PathBuf};

use super::architecture::Architecture;

/// Where Debian has a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernel {
    /// The machine that it is for.
    pub(super) architecture: Architecture,
    /// What it is called here: the releases of which the newest is taken, and what else tells it.
    pub(super) name: &'static str,
    /// The suite that has it.
    pub(super) suite: &'static str,
    /// How the name of the package with the image begins.
    pub(super) image: &'static str,
    /// How it ends.
    pub(super) variant: &'static str,
    /// Whether a module is built for it.
    pub(super) module: bool,
    /// What its machine has, in MiB.
    pub(super) memory: u32,
}

/// What is enough for the leaks of the tests, and little enough to run short of.
const MEMORY: u32 = 1536;

/// The variant of a kernel that is made for virtual machines.
const CLOUD: &str = "-cloud-amd64";
/// The same for 64-bit Arm.
const CLOUD_ARM: &str = "-cloud-arm64";

/// The oldest that pagetrace promises to work on.
pub(super) const OLDEST: Kernel = Kernel {
    architecture: Architecture::X86,
    name: "5.10",
    suite: "bullseye",
    image: "linux-image-5.10.",
    variant: CLOUD,
    module: false,
    memory: MEMORY,
};

/// Debian 12's, and the one with the module that leaks.
pub(super) const WITH_MODULE: Kernel = Kernel {
    architecture: Architecture::X86,
    name: "6.1",
    suite: "bookworm",
    image: "linux-image-6.1.",
    variant: CLOUD,
    module: true,
    memory: MEMORY,
};

/// Debian 13's.
pub(super) const STABLE: Kernel = Kernel {
    architecture: Architecture::X86,
    name: "6.12",
    suite: "trixie",
    image: "linux-image-6.12.",
    variant: CLOUD,
    module: false,
    memory: MEMORY,
};

/// Debian's newest.
pub(super) const NEWEST: Kernel = Kernel {
    architecture: Architecture::X86,
    name: "7",
    suite: "sid",
    // From 7.2 on, linux-image-… is a package without a kernel in it.
    image: "linux-binary-7.",
    variant: CLOUD,
    module: false,
    memory: MEMORY,
};

/// The oldest, for 64-bit Arm.
pub(super) const OLDEST_ARM: Kernel = Kernel {
    architecture: Architecture::Arm,
    name: "arm64-5.10",
    variant: CLOUD_ARM,
    ..OLDEST
};

/// Debian 12's, for 64-bit Arm.
pub(super) const DEBIAN_ARM: Kernel = Kernel {
    architecture: Architecture::Arm,
    name: "arm64-6.1",
    variant: CLOUD_ARM,
    module: false,
    ..WITH_MODULE
};

/// Debian 13's, for 64-bit Arm.
pub(super) const STABLE_ARM: Kernel = Kernel {
    architecture: Architecture::Arm,
    name: "arm64-6.12",
    variant: CLOUD_ARM,
    ..STABLE
};

/// The same with pages of 16 KiB.
pub(super) const LARGE_PAGES: Kernel = Kernel {
    name: "arm64-16k-6.12",
    variant: "-arm64-16k",
    ..STABLE_ARM
};

/// Debian's sources of the same, of which a kernel with pages of 64 KiB is built.
pub(super) const BUILT: Kernel = Kernel {
    name: "arm64-64k-6.12",
    image: "linux-source-6.12",
    variant: "",
    // Pipes that are full have 16 times as much in them.
    memory: 4096,
    ..STABLE_ARM
};

/// Debian's newest, for 64-bit Arm.
pub(super) const NEWEST_ARM: Kernel = Kernel {
    architecture: Architecture::Arm,
    name: "arm64-7",
    variant: CLOUD_ARM,
    ..NEWEST
};

/// All that Debian has built.
pub(super) const ALL: [Kernel; 9] = [
    OLDEST,
    WITH_MODULE,
    STABLE,
    NEWEST,
    OLDEST_ARM,
    DEBIAN_ARM,
    STABLE_ARM,
    LARGE_PAGES,
    NEWEST_ARM,
];

impl Kernel {
    /// Its folder of those in `vm`.
    pub(super) fn folder(&self, vm: &Path) -> PathBuf {
        vm.join(self.name)
    }
}
