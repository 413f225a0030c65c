//! Presentation: the only room that formats. One file per format; each writes a
//! [`Report`](crate::model::Report), as a [`Summary`](crate::model::Summary) shows it, to any
//! writer.

mod case;
mod cgroup;
mod checklist;
mod columns;
mod context;
mod diff;
mod elsewhere;
mod escape;
mod firefox;
mod flame;
mod folded;
mod gfp;
mod growth;
mod headline;
mod holders;
mod html;
mod json;
mod loss_accounting;
mod mem;
mod mem_details;
mod memory_mounts;
mod messages;
mod open_metrics;
mod page_frame;
mod page_holders;
mod pages;
mod peek;
mod pprof;
mod process;
mod processes;
mod progress;
mod ranking;
#[cfg(test)]
mod sample;
mod service;
mod shm;
mod sockets;
mod speedscope;
mod stack;
mod styles;
mod table;
mod text;
mod top;
mod tree;
mod trend;

pub use case::{case, nagios, nagios_unknown, verification};
pub use diff::{folded_diff, snapshot_diff, trace_diff};
pub use firefox::firefox;
pub use flame::{svg, svg_diff};
pub use folded::folded;
pub use growth::growth;
pub use html::{ENTRIES, Traced, html_case, html_report};
pub use json::{document, json};
pub use mem::mem;
pub use messages::{failure, print, print_page, say, say_logged, sentence, to_stdout};
pub use open_metrics::open_metrics;
pub use page_frame::page_frame;
pub use page_holders::holders;
pub use pages::pages;
pub use pprof::pprof;
pub use process::process;
pub use processes::processes;
pub use progress::Progress;
pub use service::recorded_by;
pub use shm::shm;
pub use sockets::sockets;
pub use speedscope::speedscope;
pub use table::{Extent, table};
pub use top::TopTerminal;

use std::{process::ExitCode, time::Duration};

use crate::model::FeatureCheck;

/// A number of bytes for a sentence: `1.50 GiB`.
pub fn size(bytes: i64) -> String {
    text::signed_bytes(bytes)
}

/// What is lost when a service ends that recorded so long, and knew of so many pages that are out.
pub fn lost_history(recorded: Duration, pages: u64) -> String {
    format!(
        "ended; what was recorded in {} is gone, and with it who took {} still out",
        text::seconds(recorded),
        text::counted(pages, "page")
    )
}

/// Prints what `pagetrace check` found; exit code 1 if tracing cannot work.
pub fn check(checks: &[FeatureCheck]) -> anyhow::Result<ExitCode> {
    print(|out| checklist::checklist(checks, out))?;
    let works = checks.iter().all(FeatureCheck::lets_trace);
    Ok(if works {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
