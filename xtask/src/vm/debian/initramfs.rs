//! What a virtual machine with Debian's userland starts with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Debian;
use crate::vm::guest::{self, Payload};
use crate::vm::kernel::Kernel;

/// What is configured, below `/etc`.
const SYSTEM: [(&str, &str); 4] = [
    ("hostname", "pagetrace\n"),
    (
        "modules-load.d/pagetrace.conf",
        include_str!("modules.conf"),
    ),
    (
        "systemd/network/wired.network",
        include_str!("wired.network"),
    ),
    (
        "systemd/system/pagetrace-suite.service",
        include_str!("suite.service"),
    ),
];

/// The units that are started, beside those that Debian starts.
const STARTED: [&str; 2] = [
    "/lib/systemd/system/systemd-networkd.service",
    "/etc/systemd/system/pagetrace-suite.service",
];
/// Those that are not, though Debian would: tests start their own.
const MASKED: [&str; 1] = ["nginx.service"];
const WANTED: &str = "/etc/systemd/system/multi-user.target.wants";

impl Debian {
    /// Packs an initramfs in `folder` that brings the payload to the root on the disk and
    /// starts systemd there.
    pub(in crate::vm) fn pack(
        &self,
        kernel: &Kernel,
        folder: &Path,
        busybox: &Path,
        payload: &Payload<'_>,
    ) -> Result<PathBuf> {
        let tree = guest::with_busybox(folder, busybox, include_str!("init.sh"))?;
        tree.folder("root")?;
        let drivers = self.drivers(kernel);
        let drivers = fs::read_to_string(&drivers)
            .with_context(|| format!("cannot read {}", drivers.display()))?;
        for (driver, number) in drivers.lines().zip(10..) {
            let file = self.root().join(driver.trim_start_matches('/'));
            tree.copy(&file, Path::new(&format!("drivers/{number}.ko")))?;
        }
        payload.lay(&tree, "payload")?;
        for (place, text) in SYSTEM {
            tree.write(&format!("payload/etc/{place}"), text)?;
        }
        for unit in STARTED {
            let name = unit.rsplit('/').next().unwrap_or(unit);
            tree.link(&format!("payload{WANTED}/{name}"), unit)?;
        }
        for unit in MASKED {
            tree.link(&format!("payload/etc/systemd/system/{unit}"), "/dev/null")?;
        }
        let archive = folder.join("initramfs");
        tree.pack(&archive)?;
        Ok(archive)
    }
}
