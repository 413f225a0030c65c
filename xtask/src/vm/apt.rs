//! A root of apt's own: suites that this machine does not have, without telling it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::architecture::Architecture;
use crate::command;

/// What Debian's packages are signed with.
pub(super) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Packages of Debian, apart from those of this machine.
pub(super) struct Apt {
    root: PathBuf,
    architecture: Architecture,
}

impl Apt {
    /// Reads the lists of `suites`, for one kind of machine, into the folder `root`.
    pub(super) fn of_suites<'a>(
        root: PathBuf,
        architecture: Architecture,
        suites: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        for folder in ["state/lists/partial", "cache/archives/partial"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let site = site()?;
        let suites: BTreeSet<_> = suites.into_iter().collect();
        let lines = suites.into_iter().map(|suite| {
            format!("deb [signed-by={KEYRING} target=Packages] {site} {suite} main\n")
        });
        let list = root.join("sources.list");
        fs::write(&list, lines.collect::<String>())
            .with_context(|| format!("cannot write {}", list.display()))?;
        let apt = Self { root, architecture };
        command::run(apt.command("apt-get").args(["--quiet", "update"]))?;
        Ok(apt)
    }

    /// The name of the newest package whose name begins and ends so.
    pub(super) fn newest(&self, begin: &str, end: &str) -> Result<String> {
        let names = command::output(self.command("apt-cache").args(["pkgnames", begin]))?;
        let names = names.lines().filter(|name| name.ends_with(end));
        let newest = names.max_by_key(|name| in_order_of_numbers(name));
        let newest = newest.with_context(|| {
            format!("Debian has no package {begin}…{end} any more: see xtask/src/vm/kernel.rs")
        })?;
        Ok(newest.to_owned())
    }

    /// The packages that `package` depends on.
    pub(super) fn dependencies(&self, package: &str) -> Result<Vec<String>> {
        let depends = command::output(self.command("apt-cache").args(["depends", package]))?;
        let lines = depends.lines().map(str::trim);
        let names = lines.filter_map(|line| line.strip_prefix("Depends: "));
        Ok(names.map(str::to_owned).collect())
    }

    /// Downloads `package` and unpacks it into `folder`.
    pub(super) fn unpack(&self, package: &str, folder: &Path) -> Result<()> {
        let downloads = tempfile::tempdir_in(&self.root).context("cannot make a folder for apt")?;
        let mut download = self.command("apt-get");
        download.args(["--quiet", "download", package]);
        command::run(download.current_dir(&downloads))?;
        for archive in fs::read_dir(&downloads)? {
            let mut unpack = Command::new("dpkg");
            command::run(unpack.arg("--extract").arg(archive?.path()).arg(folder))?;
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let mut option = |name, value: &str| {
            command.arg("--option").arg(format!("{name}={value}"));
        };
        option("Dir::State", &self.path("state"));
        option("Dir::Cache", &self.path("cache"));
        option("Dir::Etc::sourcelist", &self.path("sources.list"));
        option("Dir::Etc::sourceparts", "-");
        option("APT::Architecture", self.architecture.debian());
        option("APT::Architectures", self.architecture.debian());
        // The user that apt downloads as may not enter this folder.
        option("APT::Sandbox::User", "root");
        command
    }

    fn path(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }
}

/// Where this machine gets Debian from.
pub(super) fn site() -> Result<String> {
    let mut targets = Command::new("apt-get");
    targets.args([
        "indextargets",
        "--format",
        "$(SITE)",
        "Label: Debian",
        "Component: main",
    ]);
    let sites = command::output(&mut targets)?;
    let site = sites.lines().next();
    Ok(site
        .context("this machine's apt knows no site of Debian's: name one in its sources")?
        .to_owned())
}

/// A key that puts 6.1.0-9 before 6.1.0-50.
fn in_order_of_numbers(name: &str) -> Vec<u64> {
    let numbers = name.split(|c: char| !c.is_ascii_digit());
    numbers.flat_map(str::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_packages_come_last() {
        let names = [
            "linux-image-6.1.0-50-cloud-amd64",
            "linux-image-6.1.0-9-cloud-amd64",
        ];
        assert_eq!(
            names.iter().max_by_key(|name| in_order_of_numbers(name)),
            Some(&names[0])
        );
        assert!(in_order_of_numbers("7.2.13+deb14") < in_order_of_numbers("7.10.1+deb14"));
    }
}
