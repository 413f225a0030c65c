//! What the suite is run on: a kernel, and the userland around it.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

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
            Self::Host => return None,
        })
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
