//! `pagetrace holders`: who holds pages that were taken before it ran, to the page, and what is free
//! once they let go.

mod churn;
mod devices;
mod explain;
mod groups;
mod kinds;
mod known;
mod pinned;
mod watch;

use std::{fs::File, io::Write as _};

use pagetrace_tests::harness::{Leaker, Pagetrace, eventually, root_or_skip};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat, open},
    process::{Pid, Signal, kill_process},
};
use serde::Deserialize;

use crate::LEAK;

/// Bytes of a page frame.
fn page() -> u64 {
    rustix::param::page_size() as u64
}

const MIB: u64 = 1 << 20;

/// What the kernel takes at once for the data of sockets.
const BLOCK: u64 = 32 << 10;

#[derive(Debug, Deserialize)]
struct Report {
    schema: String,
    totals: Totals,
    groups: Vec<Group>,
    holders: Vec<Holder>,
    losses: serde_json::Value,
    limitations: Vec<Limitation>,
}

#[derive(Debug, Deserialize)]
struct Limitation {
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Totals {
    unexplained_bytes: u64,
    held_bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Group {
    name: String,
    objects: usize,
    #[serde(flatten)]
    account: Account,
}

#[derive(Debug, Deserialize)]
struct Holder {
    kind: String,
    object: String,
    pid: Option<u32>,
    pids: Vec<u32>,
    comm: Option<String>,
    state: Option<char>,
    fd: Option<u32>,
    holding: Option<String>,
    cgroup: Option<String>,
    netns: Option<u64>,
    #[serde(flatten)]
    account: Account,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Account {
    pinned_bytes: u64,
    payload_bytes: u64,
    references_found: u64,
    references_counted: u64,
    frees_bytes: u64,
}

impl Report {
    fn by(what: &str) -> Self {
        let finished = Pagetrace::new(&["holders", "--by", what, "--json", "-"]).run();
        assert!(finished.status.success(), "{finished:#?}");
        let report: Self = serde_json::from_str(&finished.stdout).expect("JSON");
        assert_eq!(report.schema, "pagetrace.holders/1");
        report
    }

    fn now() -> Self {
        Self::by("process")
    }

    /// What a process holds alone, each object of it: it has a stderr like ours, which may be a pipe.
    fn of(&self, pid: u32) -> Vec<&Holder> {
        let holders = self.holders.iter();
        holders.filter(|it| it.pids == [pid]).collect()
    }

    /// What a process holds alone, as a whole; of a report by process.
    fn of_process(&self, pid: u32) -> &Group {
        self.group(&format!("leak (pid {pid})"))
    }

    fn group(&self, name: &str) -> &Group {
        let group = self.groups.iter().find(|it| it.name == name);
        group.unwrap_or_else(|| panic!("{name}: {:#?}", self.groups))
    }
}

fn sum<'a>(accounts: impl IntoIterator<Item = &'a Account>, of: fn(&Account) -> u64) -> u64 {
    accounts.into_iter().map(of).sum()
}

#[test]
fn the_first_line_names_who_holds_most() {
    let Some(_machine) = root_or_skip("the_first_line_names_who_holds_most") else {
        return;
    };
    const PIPES: u64 = 1600;
    let count = PIPES.to_string();
    let leak = Leaker::start(LEAK, &["pipes", "--count", &count, "--pages", "16"]);
    let screen = Pagetrace::new(&["holders"]).run();
    assert!(screen.status.success(), "{screen:#?}");
    let first = screen.stdout.lines().next().expect("a sentence");
    let most = format!("most have 1600 pipes, leak (pid {}, fd ", leak.pid());
    assert!(first.contains(&most), "{screen:#?}");
    let mib = PIPES * 16 * page() / MIB;
    let held = match mib {
        ..1024 => format!(": {mib}.00 MiB"),
        _ => format!(": {:.2} GiB", mib as f64 / 1024.0),
    };
    assert!(first.ends_with(&held), "{screen:#?}");
    let promise = "references 25,600 of 25,600 found: to close them frees all of it";
    assert!(screen.stdout.contains(promise), "{screen:#?}");
    assert!(screen.stdout.lines().count() <= 24, "{screen:#?}");
}

#[test]
fn a_stopped_process_is_said_to_be() {
    let Some(_machine) = root_or_skip("a_stopped_process_is_said_to_be") else {
        return;
    };
    let leak = Leaker::start(LEAK, &["pipes", "--count", "1000", "--pages", "16"]);
    let pid = Pid::from_raw(leak.pid().cast_signed()).expect("a pid");
    kill_process(pid, Signal::STOP).expect("our child");
    eventually("the process to be stopped", || {
        let report = Report::now();
        let states = report.of(leak.pid()).into_iter().map(|it| it.state);
        states.into_iter().all(|it| it == Some('T')).then_some(())
    });
    let screen = Pagetrace::new(&["holders", "--verbose"]).run();
    let name = format!("1000 pipes, leak (pid {}, ", leak.pid());
    let mut rows = screen.stdout.lines().skip(1);
    let line = rows.find(|line| line.contains(&name));
    let line = line.unwrap_or_else(|| panic!("{screen:#?}"));
    assert!(line.ends_with("), stopped"), "{line}");
}

#[test]
fn a_pipe_with_a_name_is_found_to_the_page() {
    let Some(_machine) = root_or_skip("a_pipe_with_a_name_is_found_to_the_page") else {
        return;
    };
    const PAGES: u64 = 16;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("pipe");
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, &path, FileType::Fifo, mode, 0).expect("an empty folder");
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut pipe = File::from(open(&path, flags, Mode::empty()).expect("it is there"));
    let data = vec![1; (PAGES * page()) as usize];
    pipe.write_all(&data).expect("so much fits");
    let report = Report::now();
    let own = report.of(std::process::id()).into_iter();
    let [held] = own.filter(|it| it.kind == "pipe").collect::<Vec<_>>()[..] else {
        panic!("{report:#?}");
    };
    let whole = Account {
        pinned_bytes: PAGES * page(),
        payload_bytes: PAGES * page(),
        references_found: PAGES,
        references_counted: PAGES,
        frees_bytes: PAGES * page(),
    };
    assert_eq!(held.account, whole);
}

#[test]
fn without_root_nobody_is_named() {
    let finished = Pagetrace::as_nobody(&["holders"]).run();
    assert!(!finished.refusal().is_empty());
}

#[test]
fn what_grew_since_a_baseline_comes_first() {
    let Some(_machine) = root_or_skip("what_grew_since_a_baseline_comes_first") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let saved = folder.path().join("baseline");
    let saved = saved.to_str().expect("a UTF-8 path");
    let before = Pagetrace::new(&["holders", "--json", saved]).run();
    assert!(before.status.success(), "{before:#?}");
    let leak = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    let after = Pagetrace::new(&["holders", "--baseline", saved]).run();
    assert!(after.status.success(), "{after:#?}");
    let first = after.stdout.lines().next().expect("a sentence");
    assert!(
        first.contains(&format!("500 pipes, leak (pid {}, fd ", leak.pid())),
        "{first}"
    );
    assert!(first.contains(" grew most, by 31.25 MiB since "), "{first}");
    let other = Pagetrace::new(&["holders", "--baseline", saved, "--by", "kind"]).run();
    let refusal = "the baseline is by holder, and this look by kind: give --by holder";
    assert_eq!(other.complaint(), refusal);
}
