//! One platform's run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use super::architecture::Architecture;
use super::debian::Debian;
use super::environment::Environment;
use super::guest::{self, Payload};
use super::kernel::{self, Kernel};
use super::machine::{self, Boot};
use super::outcome::Outcome;
use super::platform::{Platform, Userland};
use super::programs::Programs;
use super::{image, leaking_module};
use crate::command;

/// What is the same for every platform.
pub(super) struct Runner {
    vm: PathBuf,
    /// What is run on each kind of machine, this one among them.
    programs: BTreeMap<Architecture, Programs>,
    /// The modules that leak, by the names of the kernels that they are for.
    modules: BTreeMap<&'static str, PathBuf>,
    /// Words of which a test's name must have one; none for all tests.
    only: String,
}

impl Runner {
    /// Builds what is run on the platforms: all tests, or those with a word of `only` in
    /// their names.
    pub(super) fn build(
        root: &Path,
        vm: &Path,
        platforms: &[Platform],
        only: &[String],
    ) -> Result<Self> {
        let kernels = platforms.iter().filter_map(|it| it.emulated());
        let architectures = kernels.clone().map(|(kernel, _)| kernel.architecture);
        // Reports of all of them are shown here.
        let architectures: BTreeSet<_> = architectures.chain([Architecture::X86]).collect();
        let programs = architectures
            .into_iter()
            .map(|it| Ok((it, Programs::build(root, vm, it)?)));
        let with_module = kernels
            .map(|(kernel, _)| kernel)
            .filter(|kernel| kernel.module);
        let mut modules = BTreeMap::new();
        for kernel in with_module {
            let module = leaking_module::build(root, &kernel.folder(vm))?;
            modules.insert(kernel.name, module);
        }
        Ok(Self {
            vm: vm.to_owned(),
            programs: programs.collect::<Result<_>>()?,
            modules,
            only: only.join(" "),
        })
    }

    /// Runs everything on `platform`, and says how long that took.
    pub(super) fn run(&self, platform: Platform) -> Result<(Outcome, Duration)> {
        let start = Instant::now();
        let folder = platform.folder(&self.vm);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let log = match platform.emulated() {
            Some((kernel, userland)) => self.run_emulated(&kernel, userland, &folder)?,
            None => self.run_here(&folder)?,
        };
        let text =
            fs::read_to_string(&log).with_context(|| format!("cannot read {}", log.display()))?;
        let outcome = Outcome::parse(&text).with_context(|| format!("see {}", log.display()))?;
        if let Some((_, userland)) = platform.emulated() {
            check_mounts(&outcome, userland)?;
        }
        check_report(
            &self.programs(Architecture::X86)?.pagetrace,
            &outcome,
            &folder,
        )?;
        Ok((outcome, start.elapsed()))
    }

    fn programs(&self, architecture: Architecture) -> Result<&Programs> {
        let programs = self.programs.get(&architecture);
        programs.with_context(|| format!("nothing was built for {}", architecture.debian()))
    }

    fn run_emulated(&self, kernel: &Kernel, userland: Userland, folder: &Path) -> Result<PathBuf> {
        let module = self.modules.get(kernel.name).map(PathBuf::as_path);
        let programs = self.programs(kernel.architecture)?;
        let environment = Environment::of(programs, &self.only);
        let mut environment = environment.emulated(kernel.architecture);
        if let Some(module) = module {
            environment = environment.with_module(module);
        }
        if let Userland::Debian { .. } = userland {
            environment = environment.with_wire();
        }
        let payload = Payload {
            files: programs.files().chain(module).collect(),
            environment,
        };
        let debian = Debian::of(&self.vm);
        let busybox = image::busybox(kernel.architecture, &self.vm)?;
        let (initramfs, disk) = match userland {
            Userland::Busybox => (guest::pack(folder, &busybox, &payload)?, None),
            Userland::Debian { .. } => {
                let initramfs = debian.pack(kernel, folder, &busybox, &payload)?;
                (initramfs, Some(debian.image()?))
            }
        };
        let boot = Boot {
            architecture: kernel.architecture,
            memory: kernel.memory,
            kernel: image::find(&kernel.folder(&self.vm))?,
            option: userland.kernel_option(),
            initramfs,
            disk,
        };
        machine::run(folder, &boot)
    }

    fn run_here(&self, folder: &Path) -> Result<PathBuf> {
        let (script, log) = (folder.join("run.sh"), folder.join(machine::RESULTS));
        fs::write(&script, include_str!("run.sh"))
            .with_context(|| format!("cannot write {}", script.display()))?;
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut run = Command::new("sh");
        run.arg(&script).stdin(Stdio::null()).stdout(file);
        let programs = self.programs(Architecture::X86)?;
        Environment::of(programs, &self.only).give(&mut run);
        command::run(&mut run)?;
        Ok(log)
    }
}

/// Fails if a userland was not what it is meant to be.
fn check_mounts(outcome: &Outcome, userland: Userland) -> Result<()> {
    let is_mounted = |kind: &&str| outcome.file_systems.iter().any(|it| it == kind);
    let mut expected = userland.file_systems().iter().copied();
    if let Some(kind) = expected.find(|kind| !is_mounted(kind)) {
        bail!("{kind} was not mounted in the machine");
    }
    Ok(())
}

/// Fails if the report from there cannot be shown here.
fn check_report(pagetrace: &Path, outcome: &Outcome, folder: &Path) -> Result<()> {
    let report = folder.join("report.json");
    fs::write(&report, &outcome.report)
        .with_context(|| format!("cannot write {}", report.display()))?;
    let shown = command::output(Command::new(pagetrace).arg("report").arg(&report))?;
    let from = format!("Linux {} ", outcome.release);
    ensure!(
        shown.contains(&from),
        "{} is no report of {from}",
        report.display()
    );
    Ok(())
}

/// How the last run of `platform` went; none if there was none, or it did not end.
pub(super) fn last(platform: Platform, vm: &Path) -> Option<Outcome> {
    let log = platform.folder(vm).join(machine::RESULTS);
    Outcome::parse(&fs::read_to_string(log).ok()?).ok()
}

/// What keeps `platform` from being run, and what to do.
pub(super) fn obstacle(platform: Platform, vm: &Path) -> Option<String> {
    let (kernel, userland) = platform.emulated()?;
    let missing = machine::missing_packages(kernel.architecture).next();
    let missing =
        missing.map(|it| format!("{it} is not installed: use `cargo xtask vm --install`"));
    let no_kernel = || {
        let error = image::find(&kernel.folder(vm)).err()?;
        Some(match kernel == kernel::BUILT {
            true => anyhow!("the kernel is not built: use `cargo xtask vm --build`"),
            false => error,
        })
    };
    let no_userland = || match userland {
        Userland::Busybox => None,
        Userland::Debian { .. } => Debian::of(vm).image().err(),
    };
    missing.or_else(|| no_kernel().or_else(no_userland).map(|it| it.to_string()))
}
