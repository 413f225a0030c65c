//! The command that a trace follows.

use std::{
    ffi::OsString,
    os::unix::process::ExitStatusExt as _,
    process::{ExitCode, ExitStatus},
    time::Duration,
};

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
    status: ExitStatus,
}

impl RunningCommand {
    /// Starts the command; no words start none.
    pub(super) fn start(words: &[OsString]) -> Result<Self> {
        let Some((program, arguments)) = words.split_first() else {
            return Ok(Self {
                name: String::new(),
                child: None,
                status: ExitStatus::default(),
            });
        };
        let name = program.to_string_lossy().into_owned();
        let child = Command::new(program).args(arguments).spawn();
        let child = child.with_context(|| format!("cannot run {name}"))?;
        Ok(Self {
            name,
            child: Some(child),
            status: ExitStatus::default(),
        })
    }

    /// Waits for the command to end; for ever if there is none.
    pub(super) async fn ended(&mut self) -> Result<()> {
        match &mut self.child {
            Some(child) => {
                let status = child.wait().await.context("cannot wait for the command")?;
                self.child = None;
                self.status = status;
                self.tell();
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

    /// The command's own exit code, 128 and the signal that ended it, or success if it goes on.
    pub(super) fn exit_code(&self) -> ExitCode {
        let signal = || 128 + self.status.signal().unwrap_or_default();
        let code = self.status.code().unwrap_or_else(signal);
        u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
    }

    fn tell(&self) {
        if !self.status.success() {
            render::say(&format!("{} ended with {}", self.name, self.status));
        }
    }
}
