//! `cargo xtask dist`: makes what users install, in `target/dist`.
//!
//! ```text
//! pagetrace-x86_64                 a static binary
//! pagetrace-aarch64                the same for 64-bit Arm
//! pagetrace_0.1.0-1_amd64.deb      with manual pages, completions and the systemd unit
//! pagetrace_0.1.0-1_arm64.deb
//! pagetrace-0.1.0-1.x86_64.rpm
//! pagetrace-0.1.0-1.aarch64.rpm
//! pagetrace.cdx.json               what it is built from, in CycloneDX
//! THIRD-PARTY-LICENSES             under which terms
//! SHA256SUMS
//! ```

mod check;
mod contents;
mod licenses;
mod sums;
mod tools;
mod userland;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::workspace;
use crate::{command, part};
use tools::{TARGETS, Target};

/// The binary's profile in Cargo.toml.
const PROFILE: &str = "shipped";
/// The files that are given away as they are in the checkout.
const AS_THEY_ARE: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

/// What to do instead.
#[derive(Args)]
#[group(multiple = false)]
pub(crate) struct Options {
    /// Install what it takes to make packages, and make none
    #[arg(long)]
    install: bool,
    /// Install the packages that were made for this machine into a Debian of `cargo xtask vm --install`,
    /// try what they bring, remove them, and look for what they left; and look into all packages
    #[arg(long)]
    check: bool,
}

/// What is made, and of what.
struct Dist {
    root: PathBuf,
    made: PathBuf,
}

/// Runs the verb.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = workspace::root()?;
    let tools = workspace::tools(&root);
    if options.install {
        return part::bring(|| tools::parts(&tools));
    }
    let dist = Dist {
        made: workspace::dist_target(&root),
        root,
    };
    if options.check {
        return check::run(&dist.made, &workspace::vm_target(&dist.root));
    }
    tools::ensure_all(&tools)?;
    dist.make(&tools)
}

impl Dist {
    fn make(&self, tools: &Path) -> Result<()> {
        self.begin()?;
        for name in AS_THEY_ARE {
            copy(&self.root.join(name), &self.made.join(name))?;
        }
        let licenses = self.made.join(licenses::FILE);
        licenses::write(&self.root, &licenses)?;
        for target in &TARGETS {
            self.build(target)?;
            let built = self.built(target);
            self.write_texts(&built)?;
            copy(&licenses, &built.join(licenses::FILE))?;
            let binary = format!("pagetrace-{}", target.machine);
            copy(&built.join("pagetrace"), &self.made.join(binary))?;
            self.pack(tools, target)?;
        }
        self.write_sbom(tools)?;
        sums::write(&self.made)?;
        println!("{} has it all", self.made.display());
        Ok(())
    }

    /// A folder without what was made before.
    fn begin(&self) -> Result<()> {
        let folder = self.made.display();
        if self.made.exists() {
            fs::remove_dir_all(&self.made).with_context(|| format!("cannot remove {folder}"))?;
        }
        fs::create_dir_all(&self.made).with_context(|| format!("cannot make {folder}"))
    }

    /// Where cargo puts the binary. Packages find manual pages and completions there, too.
    fn built(&self, target: &Target) -> PathBuf {
        let builds = workspace::target(&self.root);
        builds.join(target.name).join(PROFILE)
    }

    fn build(&self, target: &Target) -> Result<()> {
        let mut build = self.cargo();
        build.args(["build", "--locked", "--package", "pagetrace"]);
        build.envs(target.variables.iter().copied());
        command::run(build.args(["--profile", PROFILE, "--target", target.name]))
    }

    /// Manual pages and completions. What defines the command line is asked for them, in a build of its
    /// own: this program must not need pagetrace, whose BPF objects it makes.
    fn write_texts(&self, built: &Path) -> Result<()> {
        let mut run = self.cargo();
        run.args(["run", "--locked", "--package", "pagetrace-tests"]);
        command::run(run.args(["--bin", "manual", "--"]).arg(built))
    }

    fn pack(&self, tools: &Path, target: &Target) -> Result<()> {
        let mut deb = self.tool(tools, "cargo-deb");
        deb.args(["--package", "pagetrace", "--locked"]);
        self.pack_with(deb.args(["--no-build", "--no-strip"]), target)?;
        let mut rpm = self.tool(tools, "cargo-generate-rpm");
        // The binary is static: it requires nothing.
        self.pack_with(
            rpm.args(["--package", "tracer", "--auto-req", "disabled"]),
            target,
        )
    }

    fn pack_with(&self, tool: &mut Command, target: &Target) -> Result<()> {
        tool.args(["--profile", PROFILE, "--target", target.name]);
        command::run(tool.arg("--output").arg(&self.made))
    }

    /// All crates of pagetrace's, with versions, licences and checksums.
    fn write_sbom(&self, tools: &Path) -> Result<()> {
        let mut sbom = self.tool(tools, "cargo-sbom");
        sbom.args(["--cargo-package", "pagetrace"]);
        let sbom = command::output(sbom.args(["--output-format", "cyclone_dx_json_1_6"]))?;
        let file = self.made.join("pagetrace.cdx.json");
        fs::write(&file, sbom).with_context(|| format!("cannot write {}", file.display()))
    }

    fn cargo(&self) -> Command {
        workspace::cargo(&self.root)
    }

    /// A tool that cargo would run by this name.
    fn tool(&self, tools: &Path, name: &str) -> Command {
        let mut tool = Command::new(tools.join("bin").join(name));
        tool.current_dir(&self.root);
        let subcommand = name.trim_start_matches("cargo-");
        tool.arg(subcommand);
        tool
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(|_| ())
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
