//! `pagetrace proc`: who has the memory, who grows, who is killed, and what a process holds.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

use pagetrace::model::{ProcReport, ProcessEntry, ProcessReport, UnreadReason};
use pagetrace_tests::{
    harness::{Leaker, Memcg, Pagetrace, eventually, is_emulated, root_or_skip, skip},
    leaks::PASSWORD,
};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::LEAK;

const MIB: u64 = 1 << 20;

fn all(args: &[&str]) -> ProcReport {
    let args = [&["proc", "--json", "-"], args].concat();
    let finished = Pagetrace::new(&args).run();
    assert!(finished.status.success(), "{finished:#?}");
    serde_json::from_str(&finished.stdout).expect("a document of this schema")
}

fn one(pid: u32, args: &[&str]) -> ProcessReport {
    let pid = pid.to_string();
    let args = [&["proc", &pid, "--json", "-"], args].concat();
    let finished = Pagetrace::new(&args).run();
    assert!(finished.status.success(), "{finished:#?}");
    serde_json::from_str(&finished.stdout).expect("a document of this schema")
}

fn entry_of(report: &ProcReport, pid: u32) -> &ProcessEntry {
    let mut entries = report.entries.iter();
    let entry = entries.find(|entry| entry.process.pid == pid);
    entry.unwrap_or_else(|| panic!("no process {pid} in {report:#?}"))
}

/// The sizes of a process as the kernel has them: a line of its status, in bytes.
fn status(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_ascii_whitespace().nth(1));
    let number = number.map(|number| number.parse::<u64>().expect("a number"));
    number.unwrap_or(0) * 1024
}

#[test]
fn a_process_is_as_large_as_the_kernel_says() {
    let Some(_machine) = root_or_skip("a_process_is_as_large_as_the_kernel_says") else {
        return;
    };
    let leak = Leaker::start(LEAK, &["json", "--mib", "64"]);
    let report = all(&[]);
    let process = &entry_of(&report, leak.pid()).process;
    assert_eq!(process.name, "leak");
    assert_eq!(process.command_line[1..], ["json", "--mib", "64"]);
    assert_eq!(process.rss_bytes, Some(status(leak.pid(), "VmRSS")));
    let anonymous = process.anonymous_bytes.expect("the kernel tells it");
    assert!((64 * MIB..68 * MIB).contains(&anonymous), "{process:#?}");
    let pss = process.pss_bytes.expect("root may read it");
    assert!((64 * MIB..68 * MIB).contains(&pss), "{process:#?}");
    let sorted =
        |it: &ProcessEntry| std::cmp::Reverse(it.process.pss_bytes.or(it.process.rss_bytes));
    assert!(report.entries.is_sorted_by_key(sorted), "{report:#?}");
}

/// Piles up JSON, 40 MiB a second.
const GROWS: [&str; 7] = [
    "json",
    "--mib",
    "1",
    "--mib-per-second",
    "40",
    "--at-most-mib",
    "800",
];

#[test]
fn who_piles_up_json_is_first_by_growth() {
    let Some(_machine) = root_or_skip("who_piles_up_json_is_first_by_growth") else {
        return;
    };
    let is_first = || {
        let leak = Leaker::start(LEAK, &GROWS);
        let report = all(&["-i", "2"]);
        let entry = entry_of(&report, leak.pid());
        let growth = entry.growth_bytes.expect("it was watched");
        assert!(growth >= 8 << 20, "{entry:#?}");
        let grown = entry
            .grown_mapping
            .as_ref()
            .expect("its mappings were read twice");
        assert_eq!(grown.name, "[anonymous]");
        assert!(grown.share() > 0.9, "{entry:#?}");
        report.entries[0].process.pid == leak.pid()
    };
    // A program that others run can grow faster for a while.
    eventually("no other process to grow faster", || {
        is_first().then_some(())
    });
}

#[test]
fn the_screen_names_who_grows_and_where() {
    let Some(_machine) = root_or_skip("the_screen_names_who_grows_and_where") else {
        return;
    };
    let leak = Leaker::start(LEAK, &GROWS);
    let pid = leak.pid().to_string();
    let finished = Pagetrace::new(&["proc", &pid, "-i", "1"]).run();
    let answer = finished.stdout.lines().next().expect("an answer");
    assert!(
        answer.starts_with(&format!("leak (pid {pid}) grew by ")),
        "{answer}"
    );
    assert!(answer.ends_with("all of it in [anonymous]"), "{answer}");
}

#[test]
fn a_look_into_the_memory_names_keys_and_masks_secrets() {
    let test = "a_look_into_the_memory_names_keys_and_masks_secrets";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let leak = Leaker::start(LEAK, &["json", "--mib", "16"]);
    let report = one(leak.pid(), &["--peek"]);
    let peek = report.peek.expect("it was asked for");
    assert_eq!(peek.mapping, "[anonymous]");
    let keys: Vec<_> = peek.json_keys.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(keys, ["password", "session", "user"], "{peek:#?}");
    assert_eq!(peek.strings[0].text, "somebody");
    // A document takes 128 bytes, of which more than a third is empty.
    let documents = peek.sampled_bytes / 128;
    let found = peek.json_keys[0].count;
    assert!(
        found * 10 >= documents * 9 && found <= documents,
        "{peek:#?}"
    );
    assert!((0.2..0.6).contains(&peek.zero_share), "{peek:#?}");
    assert_eq!(peek.masked_values, Some(found));
    assert!(peek.sampled_bytes <= 8 << 20, "{peek:#?}");
    let pid = leak.pid().to_string();
    for (args, is_shown) in [
        (&["--peek", "--top", "100"][..], false),
        (&["--peek", "--raw", "--top", "100"], true),
    ] {
        let finished = Pagetrace::new(&[&["proc", &pid], args].concat()).run();
        assert_eq!(
            finished.stdout.contains(PASSWORD),
            is_shown,
            "{finished:#?}"
        );
    }
}

#[test]
fn a_look_into_the_memory_leaves_the_process_as_it_is() {
    let test = "a_look_into_the_memory_leaves_the_process_as_it_is";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    // 8 MiB are touched of 512 MiB that are mapped.
    let leak = Leaker::start(LEAK, &["json", "--mib", "8"]);
    let faults = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", leak.pid())).expect("it runs");
        let fields = stat.rsplit_once(')').expect("a whole line").1;
        let field = |index| {
            fields
                .split_ascii_whitespace()
                .nth(index)
                .map(str::to_owned)
        };
        // State, minor and major page faults.
        [field(0), field(7), field(9)]
    };
    eventually("it to wait", || {
        (faults()[0].as_deref() == Some("S")).then_some(())
    });
    let before = (
        faults(),
        status(leak.pid(), "VmRSS"),
        status(leak.pid(), "VmSwap"),
    );
    let peek = one(leak.pid(), &["--peek"]).peek.expect("it was asked for");
    assert!(peek.sampled_pages > 0, "{peek:#?}");
    let after = (
        faults(),
        status(leak.pid(), "VmRSS"),
        status(leak.pid(), "VmSwap"),
    );
    assert_eq!(before, after);
    assert_eq!(status(leak.pid(), "TracerPid"), 0);
}

#[test]
fn a_thousand_processes_are_all_read() {
    let Some(_machine) = root_or_skip("a_thousand_processes_are_all_read") else {
        return;
    };
    let leak = Leaker::start(LEAK, &["processes", "--count", "1000"]);
    let report = all(&[]);
    let is_child = |entry: &&ProcessEntry| entry.process.parent_pid == leak.pid();
    let children: Vec<_> = report.entries.iter().filter(is_child).collect();
    assert_eq!(children.len(), 1000);
    let has_sizes = |entry: &&ProcessEntry| entry.process.rss_bytes > Some(0);
    assert!(children.iter().all(has_sizes));
    // All of them, or it says that there was no time.
    let unread = report
        .unread
        .iter()
        .filter(|it| it.reason == UnreadReason::OutOfTime);
    let unread: u64 = unread.map(|it| it.processes).sum();
    let known = report
        .entries
        .iter()
        .filter(|it| it.process.pss_bytes.is_some());
    let without_memory = report
        .entries
        .iter()
        .filter(|it| it.process.rss_bytes.is_none());
    let others: u64 = report.unread.iter().map(|it| it.processes).sum();
    let explained = known.count() + without_memory.count() + others as usize;
    assert!(
        explained >= report.entries.len(),
        "{unread} {:#?}",
        report.unread
    );
    leak.release();
}

/// A shell that starts a program again and again, in a group of processes of its own.
struct Supervisor(Child);

impl Supervisor {
    fn start(script: &str, memcg: Option<&Memcg>) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).process_group(0);
        shell.stdout(Stdio::null()).stderr(Stdio::null());
        // Nothing ever comes, for which the workers wait.
        shell.stdin(Stdio::piped());
        if let Some(memcg) = memcg {
            memcg.put(&mut shell);
        }
        Self(shell.spawn().expect("there is a shell"))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

#[test]
fn a_worker_that_its_limit_kills_again_and_again_is_one_line() {
    let test = "a_worker_that_its_limit_kills_again_and_again_is_one_line";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let Some(memcg) = Memcg::with_limit(24 * MIB) else {
        skip(test, "there is no memory controller in /sys/fs/cgroup");
        return;
    };
    let memcg = memcg.without_swap();
    // Beside the worker another program comes and goes that nobody kills. The worker takes a quarter of a
    // second to its limit: who is there for a moment only is not seen large.
    let worker = format!("{LEAK} json --mib 8 --mib-per-second 64");
    let script = format!("while :; do {worker}; sleep 0.3; done");
    // Long enough for a worker to be killed three times.
    let seconds = if is_emulated() { "20" } else { "4" };
    let supervisor = Supervisor::start(&script, Some(&memcg));
    let finished = Pagetrace::new(&["proc", "-i", seconds]).run();
    let report = all(&["-i", seconds]);
    drop(supervisor);
    let lines: Vec<_> = report
        .entries
        .iter()
        .filter(|it| it.replaced.is_some())
        .collect();
    let [line] = lines[..] else {
        panic!("{lines:#?}");
    };
    let replaced = line.replaced.as_ref().expect("it was asked for");
    assert_eq!(line.process.name, "leak");
    assert!(replaced.pids.len() >= 3, "{line:#?}");
    assert!(
        replaced.oom_kills >= replaced.pids.len() as u64 - 1,
        "{line:#?}"
    );
    let group = line.cgroup.as_ref().expect("it is in one");
    assert!(group.path.ends_with(&memcg.name()), "{group:#?}");
    let limit = group.limit.as_ref().expect("it has one");
    assert_eq!((limit.bytes, &limit.cgroup), (memcg.bytes, &group.path));
    assert!(group.oom_kills >= Some(replaced.oom_kills), "{group:#?}");
    let leaks = report.entries.iter().filter(|it| it.process.name == "leak");
    assert_eq!(leaks.count(), 1);
    let answer = finished.stdout.lines().next().expect("an answer");
    let told = [
        "leak (pid ",
        "the kernel killed ",
        &memcg.name(),
        "limit 24.00 MiB",
    ];
    assert!(
        told.iter().all(|part| answer.contains(part)),
        "{finished:#?}"
    );
}

#[test]
fn an_interrupt_ends_the_watch_early() {
    let running = Pagetrace::new(&["proc", "-i", "600", "-v"]).spawn();
    eventually("the watch to begin", || {
        running
            .stderr()
            .contains("watching for 600 s")
            .then_some(())
    });
    running.signal(Signal::INT);
    let finished = running.finish();
    assert!(finished.status.success(), "{finished:#?}");
    assert!(finished.stdout.contains("COMMAND"), "{finished:#?}");
}

#[test]
fn processes_that_end_meanwhile_do_no_harm() {
    let Some(_machine) = root_or_skip("processes_that_end_meanwhile_do_no_harm") else {
        return;
    };
    let loops = ["while :; do (:); done"; 3];
    let supervisors: Vec<_> = loops.map(|script| Supervisor::start(script, None)).into();
    for _ in 0..20 {
        let report = all(&[]);
        for supervisor in &supervisors {
            entry_of(&report, supervisor.0.id());
        }
        assert!(
            report
                .unread
                .iter()
                .all(|it| it.reason != UnreadReason::Failed),
            "{:#?}",
            report.unread
        );
    }
}

/// A child that does nothing and is not waited for.
fn ended_soon() -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", ":"]).spawn().expect("there is a shell")
}

#[test]
fn who_is_not_there_is_refused() {
    let mut child = ended_soon();
    child.wait().expect("our child");
    let pid = child.id().to_string();
    let finished = Pagetrace::new(&["proc", &pid]).run();
    assert_eq!(finished.refusal(), format!("there is no process {pid}"));
}

#[test]
fn a_process_that_has_ended_has_no_memory() {
    let Some(_machine) = root_or_skip("a_process_that_has_ended_has_no_memory") else {
        return;
    };
    let mut child = ended_soon();
    let pid = child.id();
    eventually("the child to end", || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("not waited for yet");
        stat.contains(") Z ").then_some(())
    });
    let zombie = &one(pid, &[]).process;
    assert_eq!((zombie.state, zombie.rss_bytes), ('Z', None));
    child.wait().expect("our child");
}

#[test]
fn others_than_root_are_shown_what_they_may_see() {
    let finished = Pagetrace::as_nobody(&["proc"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    assert!(
        finished
            .stdout
            .contains("it takes root, with CAP_SYS_PTRACE"),
        "{finished:#?}"
    );
    let finished = Pagetrace::as_nobody(&["proc", "1"]).run();
    assert!(finished.status.success(), "{finished:#?}");
    assert!(
        finished
            .stdout
            .contains("No mappings: cannot read /proc/1/smaps"),
        "{finished:#?}"
    );
    let finished = Pagetrace::as_nobody(&["proc", "1", "--peek"]).run();
    assert!(
        finished.refusal().contains("run it as root"),
        "{finished:#?}"
    );
}

#[test]
fn a_snapshot_keeps_processes_and_the_mappings_of_the_largest() {
    let test = "a_snapshot_keeps_processes_and_the_mappings_of_the_largest";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let leak = Leaker::start(LEAK, &["json", "--mib", "64"]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("snapshot");
    let file = file.to_str().expect("a plain name");
    let finished = Pagetrace::new(&["snapshot", "-o", file]).run();
    assert!(finished.status.success(), "{finished:#?}");
    let pid = leak.pid();
    leak.release();
    let report = all(&["--from", file, "--sort", "anon"]);
    let process = &entry_of(&report, pid).process;
    assert!(process.anonymous_bytes >= Some(64 * MIB), "{process:#?}");
    let mappings = one(pid, &["--from", file]).mappings;
    assert_eq!(mappings[0].mapping.name, "[anonymous]");
    assert!(mappings[0].mapping.rss_bytes >= 64 * MIB, "{mappings:#?}");
}
