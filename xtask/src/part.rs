//! What a chore needs and this machine may not have, and how to get it.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command;

/// Something that a chore needs.
pub(crate) struct Part {
    /// What it is called.
    pub(crate) name: String,
    /// What there is of it.
    pub(crate) found: Option<String>,
    /// How to get it.
    pub(crate) install: Vec<Command>,
    /// What to try when that fails.
    pub(crate) hint: &'static str,
}

/// Says what is there and what is missing, then installs what is missing.
pub(crate) fn bring(parts: impl Fn() -> Result<Vec<Part>>) -> Result<()> {
    let found = parts()?;
    found.iter().for_each(Part::describe);
    for mut part in found.into_iter().filter(Part::is_missing) {
        part.install()?;
    }
    match parts()?.into_iter().find(Part::is_missing) {
        Some(Part { name, hint, .. }) => bail!("{name} is still missing once installed ({hint})"),
        None => Ok(()),
    }
}

impl Part {
    /// A package of Debian's.
    pub(crate) fn of_debian(package: &str, found: Option<String>) -> Self {
        let mut update = command::as_root("apt-get");
        update.arg("update");
        let mut install = command::as_root("apt-get");
        install.args(["install", "--yes", "--no-install-recommends", package]);
        Self {
            name: package.to_owned(),
            found,
            install: vec![update, install],
            hint: "it is a package of Debian's, and apt-get needs root or sudo",
        }
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.found.is_none()
    }

    fn describe(&self) {
        match &self.found {
            Some(found) => println!("{}: {found}", self.name),
            None => {
                let commands: Vec<_> = self.install.iter().map(command::spelled).collect();
                println!(
                    "{}: missing, to be installed with `{}`",
                    self.name,
                    commands.join(" && ")
                );
            }
        }
    }

    fn install(&mut self) -> Result<()> {
        for command in &mut self.install {
            command::run(command)
                .with_context(|| format!("cannot install {} ({})", self.name, self.hint))?;
        }
        Ok(())
    }
}
