//! `cargo xtask dist --check`: installs both packages for this machine, tries what they bring, and removes
//! them; looks into those for other machines.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::contents::{self, Kind};
use super::tools::Target;
use super::userland::Userland;
use crate::command;

/// How a kind of package comes and goes.
struct Way {
    kind: Kind,
    install: fn(&Userland, &Path) -> Result<()>,
    remove: fn(&Userland) -> Result<()>,
}

const WAYS: [Way; 2] = [
    Way {
        kind: contents::DEB,
        install: install_deb,
        remove: remove_deb,
    },
    Way {
        kind: contents::RPM,
        install: install_rpm,
        remove: remove_rpm,
    },
];

const UNIT: &str = "pagetrace.service";

/// Checks what is in `made`, as root.
pub(super) fn run(made: &Path, vm: &Path) -> Result<()> {
    let mut sums = Command::new("sha256sum");
    command::run(
        sums.args(["--check", "--quiet", "SHA256SUMS"])
            .current_dir(made),
    )?;
    contents::check(made)?;
    for way in &WAYS {
        let package = contents::the_only(made, &way.kind, Target::own()?)?;
        let kind = way.kind.name;
        let userland = Userland::over(&vm.join("debian/root"), made)?;
        (way.install)(&userland, &package)?;
        let brought = userland.changes()?.len();
        try_all(&userland).with_context(|| format!("in the {kind}"))?;
        (way.remove)(&userland)?;
        let left = userland.changes()?;
        ensure!(left.is_empty(), "the {kind} leaves behind {left:?}");
        println!("{kind}: {brought} files came, worked and went");
    }
    Ok(())
}

fn install_deb(userland: &Userland, package: &Path) -> Result<()> {
    let inside = userland.root().join("tmp/package.deb");
    fs::copy(package, &inside)?;
    command::run(
        userland
            .command("dpkg")
            .args(["--install", "/tmp/package.deb"]),
    )?;
    fs::remove_file(inside).context("cannot remove the package")
}

fn remove_deb(userland: &Userland) -> Result<()> {
    command::run(userland.command("dpkg").args(["--purge", "pagetrace"]))
}

/// This machine's rpm, since Debian's root has none; scripts run inside.
fn rpm(userland: &Userland) -> Command {
    let mut rpm = Command::new("rpm");
    rpm.arg("--root").arg(userland.root());
    // Debian's rpm refuses to work beside dpkg otherwise.
    rpm.arg("--force-debian");
    rpm
}

fn install_rpm(userland: &Userland, package: &Path) -> Result<()> {
    be_off_by_default(userland)?;
    let mut rpm = rpm(userland);
    // Its /bin/sh is Debian's.
    command::run(rpm.args(["--install", "--nodeps"]).arg(package))
}

/// Distributions with RPMs leave services off that nobody asked for (99-default-disable.preset), and
/// Debian does not.
fn be_off_by_default(userland: &Userland) -> Result<()> {
    let presets = userland.root().join("run/systemd/system-preset");
    fs::create_dir_all(&presets)?;
    fs::write(presets.join("99-default-disable.preset"), "disable *\n")
        .context("cannot write a preset")
}

fn remove_rpm(userland: &Userland) -> Result<()> {
    command::run(rpm(userland).args(["--erase", "pagetrace"]))
}

fn try_all(userland: &Userland) -> Result<()> {
    let version = command::output(userland.command("pagetrace").arg("--version"))?;
    let expected = concat!("pagetrace ", env!("CARGO_PKG_VERSION"));
    ensure!(version.trim_end() == expected, "it says {version:?}");
    command::output(userland.command("pagetrace").arg("check"))?;
    try_unit(userland)?;
    try_pages(&userland.root().join("usr/share/man"))?;
    try_completions(&userland.root().join("usr/share"))
}

/// It is there, sound, and off until somebody wants it.
fn try_unit(userland: &Userland) -> Result<()> {
    let mut verify = userland.command("systemd-analyze");
    command::run(verify.args(["verify", "--man=no", UNIT]))?;
    let mut security = userland.command("systemd-analyze");
    security.args(["security", "--offline=true", "--threshold=45", UNIT]);
    command::output(&mut security)?;
    let state = userland
        .command("systemctl")
        .args(["is-enabled", UNIT])
        .output()?;
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    ensure!(state == "disabled", "the service is {state}");
    command::run(
        userland
            .command("systemctl")
            .args(["enable", "--quiet", UNIT]),
    )
}

/// Found by their names, and shown without a warning.
fn try_pages(manual: &Path) -> Result<()> {
    for name in ["pagetrace", "pagetrace-serve", "pagetrace-doctor"] {
        let mut man = Command::new("man");
        man.env("MANROFFOPT", "")
            .env("LC_ALL", "C.UTF-8")
            .arg("--manpath")
            .arg(manual);
        man.args(["--warnings", "--encoding=UTF-8", name]);
        let shown = man
            .stdin(Stdio::null())
            .output()
            .context("cannot run man")?;
        let said = String::from_utf8_lossy(&shown.stderr);
        ensure!(
            shown.status.success() && said.is_empty(),
            "man {name}: {said}"
        );
        ensure!(!shown.stdout.is_empty(), "man {name} shows nothing");
    }
    Ok(())
}

/// Read by their shells without a complaint.
fn try_completions(share: &Path) -> Result<()> {
    let shells = [
        ("bash", "-n", "bash-completion/completions/pagetrace"),
        ("zsh", "-n", "zsh/site-functions/_pagetrace"),
        (
            "fish",
            "--no-execute",
            "fish/vendor_completions.d/pagetrace.fish",
        ),
    ];
    for (shell, only_read, file) in shells {
        let file = share.join(file);
        ensure!(file.is_file(), "{} is missing", file.display());
        let mut read = Command::new(shell);
        command::run(read.arg(only_read).arg(&file))?;
    }
    Ok(())
}
