//! A virtual machine, emulated: slow, and the same on every machine that CI may run on.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::architecture::Architecture;

/// Programs that every machine takes, and the packages that have them.
const NEEDED: [(&str, &str); 2] = [("busybox", "busybox-static"), ("cpio", "cpio")];
/// What a run wrote, in the folder of its kernel.
pub(super) const RESULTS: &str = "results.log";
/// A time that only something broken takes.
const TIMEOUT: Duration = Duration::from_secs(90 * 60);
const POLL: Duration = Duration::from_millis(100);
/// Never KVM: where it is offered inside another machine, it may hang. One thread for all
/// CPUs: with one for each, QEMU 7.2 sometimes goes on with the old code after the kernel
/// patched its own, as it does to attach, and both CPUs trap there for ever.
const ACCELERATOR: &str = "tcg,thread=single";
/// A kernel that panics or is stuck ends its machine, and says why on the console. It leaves memory
/// unused that can be plugged in.
const KERNEL: &str =
    "quiet panic=-1 softlockup_panic=1 watchdog_thresh=60 memhp_default_state=offline";
/// What a machine with a disk has as well: a network that leads nowhere, and randomness.
const DEVICES: [&str; 6] = [
    "-netdev",
    "user,id=network,restrict=on",
    "-device",
    "virtio-net-pci,netdev=network,mac=52:54:00:12:34:56",
    "-device",
    "virtio-rng-pci",
];
/// The addresses of two more network cards of such a machine, with a wire between them: what one is
/// sent, the other receives, and its driver takes the memory for it.
pub(super) const WIRED: [&str; 2] = ["52:54:00:00:00:01", "52:54:00:00:00:02"];

/// The packages to install before such a machine can run.
pub(super) fn missing_packages(architecture: Architecture) -> impl Iterator<Item = &'static str> {
    missing(&NEEDED).chain(missing(architecture.needed()))
}

/// The packages of those `needed` programs that this machine has not.
pub(super) fn missing(needed: &'static [(&str, &str)]) -> impl Iterator<Item = &'static str> {
    let missing = needed.iter().filter(|(program, _)| !has_program(program));
    missing.map(|(_, package)| *package)
}

/// Whether it is anywhere that root looks for programs.
fn has_program(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders
        .map(|folder| folder.join(name))
        .any(|it| it.is_file())
}

/// What a machine starts with.
pub(super) struct Boot {
    /// The kind of machine.
    pub(super) architecture: Architecture,
    /// Its memory, in MiB.
    pub(super) memory: u32,
    /// The image of the kernel.
    pub(super) kernel: PathBuf,
    /// What is added to its command line.
    pub(super) option: &'static str,
    /// The file system that it starts with.
    pub(super) initramfs: PathBuf,
    /// The image of a disk. What is written to it is gone afterwards.
    pub(super) disk: Option<PathBuf>,
}

/// Boots it, waits until the machine switches itself off, and returns where it left
/// what it wrote.
pub(super) fn run(folder: &Path, boot: &Boot) -> Result<PathBuf> {
    let (console, results) = (folder.join("console.log"), folder.join(RESULTS));
    File::create(&results).with_context(|| format!("cannot write {}", results.display()))?;
    let status = wait(qemu(boot, &console, &results)?)?;
    ensure!(
        status.success(),
        "{} failed: {status}",
        boot.architecture.qemu()
    );
    let written = fs::metadata(&results).is_ok_and(|results| results.len() > 0);
    ensure!(
        written,
        "the machine ran nothing: see {}",
        console.display()
    );
    Ok(results)
}

fn qemu(boot: &Boot, console: &Path, results: &Path) -> Result<Child> {
    let architecture = boot.architecture;
    let (port, _) = architecture.ports();
    let results = format!("file,id=results,path={}", results.display());
    let mut qemu = Command::new(architecture.qemu());
    qemu.args(["-accel", ACCELERATOR, "-smp", "2"])
        .args(architecture.machine(boot.memory))
        .args(["-nodefaults", "-no-reboot"])
        .args(["-display", "none"])
        .args([
            "-append",
            &format!("console={port} {KERNEL} {}", boot.option),
        ])
        .args(["-serial", &format!("file:{}", console.display())])
        .args(["-chardev", &results])
        .args(architecture.second_port("results"));
    qemu.arg("-kernel").arg(&boot.kernel);
    qemu.arg("-initrd").arg(&boot.initramfs);
    if let Some(disk) = &boot.disk {
        let drive = format!("file={},if=virtio,format=raw,snapshot=on", disk.display());
        qemu.args(["-drive", &drive]).args(DEVICES);
        for mac in WIRED {
            wire(&mut qemu, mac);
        }
    }
    qemu.stdin(Stdio::null());
    qemu.spawn()
        .with_context(|| format!("cannot run {}", architecture.qemu()))
}

/// Adds a card, with buffers that the driver merges: QEMU's default. QEMU warns that the hub which is
/// the wire leads to no other network, as it should not.
fn wire(qemu: &mut Command, mac: &str) {
    let end = format!("end-{}", mac.replace(':', ""));
    qemu.args(["-netdev", &format!("hubport,id={end},hubid=0")]);
    let card = format!("virtio-net-pci,netdev={end},mac={mac},mrg_rxbuf=on");
    qemu.args(["-device", &card]);
}

fn wait(mut machine: Child) -> Result<ExitStatus> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(status) = machine.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            machine.kill()?;
            machine.wait()?;
            bail!("the machine still ran after {TIMEOUT:?}");
        }
        thread::sleep(POLL);
    }
}
