//! The programs that a build of cargo's made.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::command;

/// Their names, and where they are.
pub(crate) struct Executables(Vec<(String, PathBuf)>);

impl Executables {
    /// Runs the build.
    pub(crate) fn build(cargo: &mut Command) -> Result<Self> {
        let messages = command::output(cargo.arg("--message-format=json-render-diagnostics"))?;
        Ok(Self(messages.lines().filter_map(executable).collect()))
    }

    /// The one with that name.
    pub(crate) fn named(&self, wanted: &str) -> Result<PathBuf> {
        let found = self.0.iter().find(|(name, _)| name == wanted);
        let (_, path) = found.with_context(|| format!("cargo built no program {wanted}"))?;
        Ok(path.clone())
    }
}

fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let path = message.get("executable")?.as_str()?;
    let name = message.get("target")?.get("name")?.as_str()?;
    Some((name.to_owned(), path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_no_program() {
        let program = r#"{"target":{"name":"leak"},"executable":"/t/leak"}"#;
        assert_eq!(executable(program), Some(("leak".into(), "/t/leak".into())));
        let library = r#"{"target":{"name":"leak"},"executable":null}"#;
        assert_eq!(executable(library), None);
        assert_eq!(executable(r#"{"reason":"build-finished"}"#), None);
    }
}
