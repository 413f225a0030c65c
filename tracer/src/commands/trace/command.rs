//! The command that a trace follows.

use std::{ffi::OsString, process::ExitStatus, time::Duration};

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};

use crate::render;

/// How long an interrupted command may take to end; Ctrl-C goes to it too, and
/// what it frees on its way out should not look like a leak.
const GRACE: Duration = Duration::from_secs(1);

/// A command that runs while it is traced, or none.
pub(super) struct RunningCommand {
    name: String,
    child: Option<Child>,
}

impl RunningCommand {
    /// Starts the command; no words start none.
    pub(super) fn start(words: &[OsString]) -> Result<Self> {
        let Some((program, arguments)) = words.split_first() else {
            return Ok(Self {
                name: String::new(),
                child: None,
            });
        };
        let name = program.to_string_lossy().into_owned();
        let child = Command::new(program).args(arguments).spawn();
        let child = child.with_context(|| format!("cannot run {name}"))?;
        Ok(Self {
            name,
            child: Some(child),
        })
    }

    /// Waits for the command to end; for ever if there is none.
    pub(super) async fn ended(&mut self) -> Result<()> {
        match &mut self.child {
            Some(child) => {
                let status = child.wait().await.context("cannot wait for the command")?;
                self.child = None;
                self.tell(status);
                Ok(())
            }
            None => std::future::pending().await,
        }
    }

    /// Gives an interrupted command the time to end.
    pub(super) async fn interrupted(&mut self) -> Result<()> {
        if self.child.is_none() {
            return Ok(());
        }
        tokio::time::timeout(GRACE, self.ended())
            .await
            .unwrap_or(Ok(()))
    }

    /// Says so if the command outlives the trace; it is left alone.
    pub(super) fn leave(&self) {
        if let Some(pid) = self.child.as_ref().and_then(Child::id) {
            render::say(&format!("{} (pid {pid}) is still running", self.name));
        }
    }

    fn tell(&self, status: ExitStatus) {
        if !status.success() {
            render::say(&format!("{} ended with {status}", self.name));
        }
    }
}
