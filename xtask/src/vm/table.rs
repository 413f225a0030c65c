//! `docs/kernels.md`: what works on which kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::architecture::Architecture;
use super::outcome::{Ending, Outcome};
use super::platform::Platform;

type Runs<'a> = [(Platform, &'a Outcome)];

const HEAD: &str = "\
# Kernels

Written by `cargo xtask vm`, which runs `pagetrace check` and the end-to-end suite on each of these
kernels: Debian's in QEMU, emulated, with two CPUs and 1.5 GiB; `host` is that of the machine this
file was written on. `debian-` is Debian's userland with systemd and what that starts, mounts and
loads; beside the others nothing runs. To be changed by running that, not by hand. Where some tests were run, they are
those that depend on the kernel, as in `.ci/run` (`--only`).

";

/// The heading of the part about 64-bit Arm, by which that is found again whatever follows.
const ARM_HEADING: &str = "# Kernels of 64-bit Arm\n";

/// What that part begins with.
const ARM: &str = "\
# Kernels of 64-bit Arm

Likewise, emulated; nothing runs beside the tests. `arm64-16k` has page frames of 16 KiB, `arm64-64k` of 64 KiB, and 4 GiB; its
kernel is built by `cargo xtask vm --build`. Tests that need a load which busybox has not are skipped.

";

const HOLDERS: &str = "
## Kinds of holders

What `pagetrace holders` finds to the page, or with all references, of a leak of known size that began before it:
[page-holders.md](page-holders.md) says what each kind promises. `cargo xtask vm PLATFORM --only holders::,sock::` tests
them; `-` is where that was not run.

";

/// The tests of which each is about a kind of holder.
const KINDS: [&str; 2] = ["holders::kinds::", "holders::pinned::"];

const VERIFIER: &str = "
## Instructions verified

How many instructions the kernel's verifier went through for each BPF program; it gives up at a
million. Kernels before 5.16 do not tell.

";

/// The whole document, with another part about one kind of machine than before.
pub(super) fn document(before: &str, architecture: Architecture, runs: &Runs<'_>) -> String {
    let (x86, arm) = before.split_at(before.find(ARM_HEADING).unwrap_or(before.len()));
    match architecture {
        Architecture::X86 => part(HEAD, runs) + if arm.is_empty() { "" } else { "\n" } + arm,
        Architecture::Arm => format!("{}\n\n{}", x86.trim_end(), part(ARM, runs)),
    }
}

fn part(head: &str, runs: &Runs<'_>) -> String {
    let mut text = head.to_owned();
    text += &header("", runs);
    text += &row("kernel", runs, |run| run.release.clone());
    text += &row("run on", runs, |run| run.date.clone());
    text += &row("mounted", runs, mounted);
    for subject in subjects(runs) {
        text += &row(subject, runs, |run| state(run, subject));
    }
    text += &row("tests run", runs, |run| {
        let which = if run.only.is_empty() { "all" } else { "some" };
        which.to_owned()
    });
    text += &row("tests passed", runs, |run| run.passed().to_string());
    text += &row("tests failed", runs, |run| run.failed().to_string());
    text += &row("tests skipped", runs, |run| run.skipped().to_string());
    text += &builds(runs);
    text += &remarks("What is limited", runs, limits);
    text += &remarks("What failed", runs, failures);
    text += &remarks("What was skipped", runs, skips);
    text += &holders(runs);
    text += VERIFIER;
    text += &verifier(runs);
    text
}

fn header(corner: &str, runs: &Runs<'_>) -> String {
    let names: String = runs
        .iter()
        .map(|(kernel, _)| format!(" {} |", kernel.name()))
        .collect();
    format!("| {corner} |{names}\n|---|{}\n", "---|".repeat(runs.len()))
}

fn row(name: &str, runs: &Runs<'_>, cell: impl Fn(&Outcome) -> String) -> String {
    let cells: String = runs
        .iter()
        .map(|(_, run)| format!(" {} |", cell(run)))
        .collect();
    format!("| {name} |{cells}\n")
}

/// The file systems that distributions mount and pagetrace may meet.
fn mounted(run: &Outcome) -> String {
    const KINDS: [&str; 6] = [
        "bpf",
        "cgroup",
        "cgroup2",
        "debugfs",
        "securityfs",
        "tracefs",
    ];
    let mounted = run.file_systems.iter().map(String::as_str);
    let mounted: Vec<_> = mounted.filter(|kind| KINDS.contains(kind)).collect();
    mounted.join(", ")
}

/// What `pagetrace check` looks at, in its order.
fn subjects<'a>(runs: &Runs<'a>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let findings = runs.iter().flat_map(|(_, run)| &run.findings);
    let subjects = findings.map(|finding| finding.subject.as_str());
    subjects.filter(|subject| seen.insert(*subject)).collect()
}

fn state(run: &Outcome, subject: &str) -> String {
    let finding = run
        .findings
        .iter()
        .find(|finding| finding.subject == subject);
    finding.map_or_else(|| "-".to_owned(), |finding| finding.state.clone())
}

/// The exact builds.
fn builds(runs: &Runs<'_>) -> String {
    let lines = runs
        .iter()
        .map(|(kernel, run)| format!("- {}: `{}`\n", kernel.name(), run.version));
    format!(
        "\nThe builds, as `uname -v` has them:\n\n{}",
        lines.collect::<String>()
    )
}

/// A list of remarks, each with the kernels that it is true of; nothing if there is none.
fn remarks(title: &str, runs: &Runs<'_>, of: fn(&Outcome) -> Vec<String>) -> String {
    let mut remarks = BTreeMap::<String, Vec<String>>::new();
    for (kernel, run) in runs {
        for remark in of(run) {
            remarks.entry(remark).or_default().push(kernel.name());
        }
    }
    if remarks.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## {title}\n\n");
    for (remark, kernels) in remarks {
        let _ = writeln!(text, "- {remark} ({})", kernels.join(", "));
    }
    text
}

fn limits(run: &Outcome) -> Vec<String> {
    let limits = run.findings.iter().filter(|finding| finding.state != "ok");
    limits
        .map(|limit| format!("{}: {}", limit.subject, limit.detail))
        .collect()
}

fn failures(run: &Outcome) -> Vec<String> {
    let failed = run
        .tests
        .iter()
        .filter(|(_, ending)| **ending == Ending::Failed);
    failed.map(|(test, _)| format!("`{test}`")).collect()
}

fn skips(run: &Outcome) -> Vec<String> {
    let skip = |(test, ending): (&String, &Ending)| match ending {
        Ending::Skipped(reason) => Some(format!("`{test}`: {reason}")),
        _ => None,
    };
    run.tests.iter().filter_map(skip).collect()
}

/// How the test of each kind of holder ended; nothing if none was run.
fn holders(runs: &Runs<'_>) -> String {
    let tests = runs.iter().flat_map(|(_, run)| run.tests.keys());
    let tests = tests.filter_map(|test| Some((test, kind(test)?)));
    let tests: BTreeSet<_> = tests.collect();
    if tests.is_empty() {
        return String::new();
    }
    let cell = |run: &Outcome, test: &String| {
        let ending = match run.tests.get(test) {
            None => "-",
            Some(Ending::Passed) => "passed",
            Some(Ending::Failed) => "failed",
            Some(Ending::Skipped(_)) => "skipped",
        };
        ending.to_owned()
    };
    let rows = tests
        .into_iter()
        .map(|(test, kind)| row(&kind, runs, |run| cell(run, test)));
    HOLDERS.to_owned() + &header("kind", runs) + &rows.collect::<String>()
}

/// The sentence that the name of such a test is.
fn kind(test: &str) -> Option<String> {
    let name = KINDS.iter().find_map(|kinds| test.strip_prefix(kinds))?;
    Some(name.replace('_', " "))
}

fn verifier(runs: &Runs<'_>) -> String {
    let names: BTreeSet<_> = runs
        .iter()
        .flat_map(|(_, run)| &run.programs)
        .map(|it| &it.0)
        .collect();
    let cell = |run: &Outcome, name: &String| {
        let program = run.programs.iter().find(|program| program.0 == *name);
        program.map_or_else(|| "-".to_owned(), |program| program.1.clone())
    };
    let rows = names
        .into_iter()
        .map(|name| row(&format!("`{name}`"), runs, |run| cell(run, name)));
    header("program", runs) + &rows.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(release: &str, ending: Ending) -> Outcome {
        Outcome {
            release: release.to_owned(),
            programs: vec![("page_alloc".to_owned(), "2431".to_owned())],
            tests: BTreeMap::from([
                ("holders::kinds::a_ring_is_found".to_owned(), Ending::Passed),
                ("pipes::full".to_owned(), ending),
            ]),
            ..Outcome::default()
        }
    }

    #[test]
    fn each_kernel_is_a_column() {
        let old = run("5.10.0", Ending::Skipped("too old".to_owned()));
        let new = run("6.1.0", Ending::Passed);
        let runs = [(Platform::Oldest, &old), (Platform::WithModule, &new)];
        let text = document("", Architecture::X86, &runs);
        for line in [
            "|  | 5.10 | 6.1 |",
            "| kernel | 5.10.0 | 6.1.0 |",
            "| tests passed | 1 | 2 |",
            "| a ring is found | passed | passed |",
            "| tests skipped | 1 | 0 |",
            "- `pipes::full`: too old (5.10)",
            "| `page_alloc` | 2431 | 2431 |",
        ] {
            assert!(text.lines().any(|it| it == line), "no {line} in\n{text}");
        }
        assert!(!text.contains("What failed"), "{text}");
    }

    #[test]
    fn each_kind_of_machine_has_a_part_of_its_own() {
        let run = run("6.12.0", Ending::Passed);
        let x86 = document("", Architecture::X86, &[(Platform::Stable, &run)]);
        let both = document(&x86, Architecture::Arm, &[(Platform::StableArm, &run)]);
        assert!(both.starts_with(x86.trim_end()), "{both}");
        assert!(both.contains("|  | arm64-6.12 |"), "{both}");
        let again = document(&both, Architecture::Arm, &[(Platform::StableArm, &run)]);
        assert_eq!(again, both);
        let again = document(&both, Architecture::X86, &[(Platform::Stable, &run)]);
        assert_eq!(again, both);
    }
}
