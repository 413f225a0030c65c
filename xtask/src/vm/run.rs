//! One kernel's run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::environment::Environment;
use super::kernel::{Kernel, Source};
use super::outcome::Outcome;
use super::programs::Programs;
use super::{guest, image, leaking_module, machine};
use crate::command;

/// What is the same for every kernel.
pub(super) struct Runner {
    root: PathBuf,
    vm: PathBuf,
    programs: Programs,
    /// Words of which a test's name must have one; none for all tests.
    only: String,
}

impl Runner {
    /// Builds what is run on each kernel: all tests, or those with a word of `only` in their names.
    pub(super) fn build(root: &Path, vm: &Path, only: &[String]) -> Result<Self> {
        Ok(Self {
            root: root.to_owned(),
            vm: vm.to_owned(),
            programs: Programs::build(root, vm)?,
            only: only.join(" "),
        })
    }

    /// Runs everything on `kernel`, and says how long that took.
    pub(super) fn run(&self, kernel: Kernel) -> Result<(Outcome, Duration)> {
        let start = Instant::now();
        let folder = kernel.folder(&self.vm);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let log = match kernel.source() {
            Some(source) => self.run_emulated(&folder, &source)?,
            None => self.run_here(&folder)?,
        };
        let text =
            fs::read_to_string(&log).with_context(|| format!("cannot read {}", log.display()))?;
        let outcome = Outcome::parse(&text).with_context(|| format!("see {}", log.display()))?;
        Ok((outcome, start.elapsed()))
    }

    fn run_emulated(&self, folder: &Path, source: &Source) -> Result<PathBuf> {
        let image = image::find(folder)?;
        let module = source
            .module
            .then(|| leaking_module::build(&self.root, folder));
        let module = module.transpose()?;
        let mut environment = Environment::of(&self.programs, &self.only);
        if let Some(module) = &module {
            environment = environment.with_module(module);
        }
        let files = self.programs.files().chain(module.as_deref());
        let initramfs = guest::pack(folder, files, &environment)?;
        machine::run(folder, &image, &initramfs)
    }

    fn run_here(&self, folder: &Path) -> Result<PathBuf> {
        let (script, log) = (folder.join("run.sh"), folder.join(machine::RESULTS));
        fs::write(&script, include_str!("run.sh"))
            .with_context(|| format!("cannot write {}", script.display()))?;
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut run = Command::new("sh");
        run.arg(&script).stdin(Stdio::null()).stdout(file);
        Environment::of(&self.programs, &self.only).give(&mut run);
        command::run(&mut run)?;
        Ok(log)
    }
}

/// How the last run of `kernel` went; none if there was none, or it did not end.
pub(super) fn last(kernel: Kernel, vm: &Path) -> Option<Outcome> {
    let log = kernel.folder(vm).join(machine::RESULTS);
    Outcome::parse(&fs::read_to_string(log).ok()?).ok()
}

/// What keeps `kernel` from being run, and what to do.
pub(super) fn obstacle(kernel: Kernel, vm: &Path) -> Option<String> {
    kernel.source()?;
    let missing = machine::missing_packages().next();
    let missing =
        missing.map(|it| format!("{it} is not installed: use `cargo xtask vm --install`"));
    let no_image = || image::find(&kernel.folder(vm)).err();
    missing.or_else(|| no_image().map(|error| error.to_string()))
}
