//! What the suite is run on: a kernel, and the userland around it.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::architecture::Architecture;
use super::kernel::{self, Kernel};

/// A kernel with a userland, emulated or that of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Platform {
    /// The oldest kernel that pagetrace promises to work on
    #[value(name = "5.10")]
    Oldest,
    /// The kernel of Debian 12, and the one with the module that leaks
    #[value(name = "6.1")]
    WithModule,
    /// The kernel of Debian 13
    #[value(name = "6.12")]
    Stable,
    /// Debian's newest kernel
    #[value(name = "7")]
    Newest,
    /// The oldest kernel, with Debian's userland and cgroups of both versions
    #[value(name = "debian-5.10")]
    OldestDebian,
    /// Debian 12 as it is: kernel and userland
    #[value(name = "debian-6.1")]
    Debian,
    /// The oldest kernel, on 64-bit Arm
    #[value(name = "arm64-5.10")]
    OldestArm,
    /// The kernel of Debian 12, on 64-bit Arm
    #[value(name = "arm64-6.1")]
    DebianArm,
    /// The kernel of Debian 13, on 64-bit Arm
    #[value(name = "arm64-6.12")]
    StableArm,
    /// The kernel of Debian 13 with pages of 16 KiB, on 64-bit Arm
    #[value(name = "arm64-16k")]
    LargePages,
    /// A kernel of Debian 13's sources with pages of 64 KiB, on 64-bit Arm
    #[value(name = "arm64-64k")]
    LargestPages,
    /// Debian's newest kernel, on 64-bit Arm
    #[value(name = "arm64-7")]
    NewestArm,
    /// This machine, without QEMU
    #[value(name = "host")]
    Host,
}

/// What runs beside the suite in a virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Userland {
    /// Nothing, and hardly anything is mounted: busybox in an initramfs.
    Busybox,
    /// Debian 12 with systemd and what that starts, mounts and loads.
    Debian {
        /// Whether there are cgroups of both versions, rather than of version 2 only.
        hybrid: bool,
    },
}

impl Platform {
    /// What it is called on the command line and in the table.
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What is emulated; nothing of this machine.
    pub(super) fn emulated(self) -> Option<(Kernel, Userland)> {
        let debian = |hybrid| Userland::Debian { hybrid };
        Some(match self {
            Self::Oldest => (kernel::OLDEST, Userland::Busybox),
            Self::WithModule => (kernel::WITH_MODULE, Userland::Busybox),
            Self::Stable => (kernel::STABLE, Userland::Busybox),
            Self::Newest => (kernel::NEWEST, Userland::Busybox),
            Self::OldestDebian => (kernel::OLDEST, debian(true)),
            Self::Debian => (kernel::WITH_MODULE, debian(false)),
            Self::OldestArm => (kernel::OLDEST_ARM, Userland::Busybox),
            Self::DebianArm => (kernel::DEBIAN_ARM, Userland::Busybox),
            Self::StableArm => (kernel::STABLE_ARM, Userland::Busybox),
            Self::LargePages => (kernel::LARGE_PAGES, Userland::Busybox),
            Self::LargestPages => (kernel::BUILT, Userland::Busybox),
            Self::NewestArm => (kernel::NEWEST_ARM, Userland::Busybox),
            Self::Host => return None,
        })
    }

    /// The kind of machine.
    pub(super) fn architecture(self) -> Architecture {
        let kernel = self.emulated().map(|(kernel, _)| kernel);
        kernel.map_or(Architecture::X86, |kernel| kernel.architecture)
    }

    /// Its folder of those in `vm`.
    pub(super) fn folder(self, vm: &Path) -> PathBuf {
        vm.join(self.name())
    }
}

impl Userland {
    /// File systems that must be mounted, or it is not what it should be.
    pub(super) const fn file_systems(self) -> &'static [&'static str] {
        match self {
            Self::Busybox => &["cgroup2"],
            Self::Debian { hybrid: false } => {
                &["bpf", "cgroup2", "debugfs", "securityfs", "tracefs"]
            }
            Self::Debian { hybrid: true } => &[
                "bpf",
                "cgroup",
                "cgroup2",
                "debugfs",
                "securityfs",
                "tracefs",
            ],
        }
    }

    /// What it wants on the kernel's command line.
    pub(super) const fn kernel_option(self) -> &'static str {
        match self {
            Self::Busybox | Self::Debian { hybrid: false } => "",
            Self::Debian { hybrid: true } => "systemd.unified_cgroup_hierarchy=0",
        }
    }
}
