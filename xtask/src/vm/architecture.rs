//! What machines are emulated, and what is built for them.

use std::process::Command;

use anyhow::Result;

use crate::installed::Rustc;

/// A kind of machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Architecture {
    /// x86-64, as this machine.
    X86,
    /// 64-bit Arm.
    Arm,
}

impl Architecture {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::X86, Self::Arm];

    /// What Debian calls it.
    pub(super) const fn debian(self) -> &'static str {
        match self {
            Self::X86 => "amd64",
            Self::Arm => "arm64",
        }
    }

    /// What emulates it.
    pub(super) const fn qemu(self) -> &'static str {
        match self {
            Self::X86 => "qemu-system-x86_64",
            Self::Arm => "qemu-system-aarch64",
        }
    }

    /// The machine with so much memory, in MiB, without devices. That of x86 has 128 MiB more,
    /// which can be plugged in. Without firmware, Arm's has no such memory.
    pub(super) fn machine(self, memory: u32) -> Vec<String> {
        let words: &[&str] = match self {
            // Without cmpxchg16b, of whose emulation 6.12 has died while it booted.
            Self::X86 => &[
                "-cpu",
                "max,-cx16",
                "-object",
                "memory-backend-ram,id=spare,size=128M",
                "-device",
                "pc-dimm,memdev=spare",
            ],
            // Return addresses are signed as on servers, by a function that is quick to emulate.
            Self::Arm => &[
                "-machine",
                "virt,gic-version=3",
                "-cpu",
                "max,pauth-impdef=on",
            ],
        };
        let memory = match self {
            Self::X86 => format!("{memory},slots=1,maxmem={}M", memory + 512),
            Self::Arm => memory.to_string(),
        };
        let words = words.iter().map(|&word| word.to_owned());
        words.chain(["-m".to_owned(), memory]).collect()
    }

    /// What the second serial port is added by, which `chardev` is written to.
    pub(super) fn second_port(self, chardev: &str) -> [String; 2] {
        match self {
            Self::X86 => ["-serial".to_owned(), format!("chardev:{chardev}")],
            Self::Arm => [
                "-device".to_owned(),
                format!("pci-serial,chardev={chardev}"),
            ],
        }
    }

    /// The port that the kernel writes to, and the second one.
    pub(super) const fn ports(self) -> (&'static str, &'static str) {
        match self {
            Self::X86 => ("ttyS0", "ttyS1"),
            Self::Arm => ("ttyAMA0", "ttyS0"),
        }
    }

    /// What programs are built for. Static programs need a target of their own: macros are libraries
    /// and cannot be static.
    pub(super) const fn target(self) -> &'static str {
        match self {
            Self::X86 => "x86_64-unknown-linux-gnu",
            Self::Arm => "aarch64-unknown-linux-gnu",
        }
    }

    /// The variable that names its linker, and the linker; none where the machine's own does.
    pub(super) const fn linker(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::X86 => None,
            Self::Arm => Some((
                "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER",
                "aarch64-linux-gnu-gcc",
            )),
        }
    }

    /// Files that it takes, as programs are found, and the packages that have them.
    pub(super) const fn needed(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::X86 => &[("qemu-system-x86_64", "qemu-system-x86")],
            Self::Arm => &[
                ("qemu-system-aarch64", "qemu-system-arm"),
                ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
                ("../aarch64-linux-gnu/lib/libc.a", "libc6-dev-arm64-cross"),
            ],
        }
    }

    /// Tells cargo to build for it: with what to link, and to build the standard library from source
    /// where rustup has none.
    pub(super) fn tell(self, cargo: &mut Command) -> Result<()> {
        if let Some((variable, linker)) = self.linker() {
            cargo.env(variable, linker);
        }
        if Rustc::find()?.standard_library(self.target()).is_none() {
            cargo.arg("-Zbuild-std").env("RUSTC_BOOTSTRAP", "1");
        }
        Ok(())
    }
}
