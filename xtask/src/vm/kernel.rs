//! The kernels that the suite is run on.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

/// A kernel: one of Debian's series, or that of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kernel {
    /// The oldest that pagetrace promises to work on
    #[value(name = "5.10")]
    Oldest,
    /// Debian 12, and the one with the module that leaks
    #[value(name = "6.1")]
    WithModule,
    /// Debian 13
    #[value(name = "6.12")]
    Stable,
    /// Debian's newest
    #[value(name = "7")]
    Newest,
    /// That of this machine, without QEMU
    #[value(name = "host")]
    Host,
}

/// Where Debian has a kernel.
pub(super) struct Source {
    /// The suite that has it.
    pub(super) suite: &'static str,
    /// How the name of the package with the image begins.
    pub(super) image: &'static str,
    /// Whether a module is built for it.
    pub(super) module: bool,
}

impl Kernel {
    /// What it is called on the command line and in the table.
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Where it comes from; nowhere if it is that of this machine.
    pub(super) const fn source(self) -> Option<Source> {
        let (suite, image, module) = match self {
            Self::Oldest => ("bullseye", "linux-image-5.10.", false),
            Self::WithModule => ("bookworm", "linux-image-6.1.", true),
            Self::Stable => ("trixie", "linux-image-6.12.", false),
            // From 7.2 on, linux-image-… is a package without a kernel in it.
            Self::Newest => ("sid", "linux-binary-7.", false),
            Self::Host => return None,
        };
        Some(Source {
            suite,
            image,
            module,
        })
    }

    /// Its folder of those in `vm`.
    pub(super) fn folder(self, vm: &Path) -> PathBuf {
        vm.join(self.name())
    }
}
