//! What could not be read, and what to do about it.

use super::text;
use crate::model::{ProcReport, ProcessPart, Unread, UnreadReason};

/// A line for each.
pub(super) fn lines(report: &ProcReport) -> impl Iterator<Item = String> {
    let limitations = report.limitations.iter().map(text::limitation);
    report.unread.iter().map(line).chain(limitations)
}

fn line(unread: &Unread) -> String {
    let processes = text::plural(unread.processes, "process", "processes");
    let example = format!("pid {}", unread.example_pid);
    let part = match unread.what {
        ProcessPart::Process if unread.reason == UnreadReason::Ended => {
            return format!("{processes} ended while being read ({example})");
        }
        ProcessPart::Process => "Sizes",
        ProcessPart::Pss => "PSS",
        ProcessPart::Mappings => "Mappings",
        ProcessPart::CommandLine => "Command lines",
        ProcessPart::OomScore => "OOM scores",
        ProcessPart::Cgroup => "Control groups",
    };
    let reason = match unread.reason {
        UnreadReason::Ended => "ended meanwhile",
        UnreadReason::NotPermitted => "not permitted: it takes root, with CAP_SYS_PTRACE",
        UnreadReason::Missing => "this kernel does not have them",
        UnreadReason::OutOfTime => "there was no time for them, the smallest",
        UnreadReason::Failed => "the kernel refused",
    };
    format!("{part} of {processes} unknown, as {example}: {reason}")
}
