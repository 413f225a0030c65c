//! Lets time pass while processes come and go.

use std::{
    io::{IsTerminal as _, stderr},
    time::Duration,
};

use anyhow::Result;

use super::watching::Watching;
use crate::{
    commands::interruption::Interruption,
    kernel::host::processes::{self, Detail},
    render,
};

/// How often to look for new processes. To list 1,000 of them takes 1 ms; what lives shorter is
/// missed, and still counts as a kill of its control group.
const POLL: Duration = Duration::from_millis(200);

/// Reads all processes, then looks for new ones until the time is over or a signal ends it.
pub(in crate::commands) fn watch(
    detail: Detail,
    interval: Duration,
    verbose: bool,
) -> Result<Watching> {
    let (before, _) = processes::processes(detail)?;
    let mut watching = Watching::new(before);
    wait(interval, verbose, || watching.look())?;
    Ok(watching)
}

/// Lets the time pass, or until a signal says that it is enough; calls `look` all the while.
pub(in crate::commands) fn wait(
    interval: Duration,
    verbose: bool,
    mut look: impl FnMut() -> Result<()>,
) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(async {
        // Whoever reads that it watches can end it.
        let mut interruption = Interruption::listen()?;
        if verbose || stderr().is_terminal() {
            let seconds = interval.as_secs();
            render::say(&format!("watching for {seconds} s; Ctrl-C ends it early"));
        }
        let end = tokio::time::Instant::now() + interval;
        let mut polls = tokio::time::interval(POLL);
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(end) => break,
                () = interruption.heard() => break,
                _ = polls.tick() => look()?,
            }
        }
        interruption.end();
        Ok(())
    })
}
