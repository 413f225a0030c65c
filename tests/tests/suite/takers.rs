//! `--by process` and `--by cgroup`: who took pages, where many take them by the same stack.

use std::{fs, os::unix::process::CommandExt as _};

use pagetrace_tests::harness::{
    CgroupV2, Entry, Leaker, Outputs, Pagetrace, Report, Site, Tracing, root_or_skip, skip, stay_on,
};
use rustix::param::page_size;

use crate::{LEAK, pages_in_pipes};

/// Two processes on one CPU, which remembers the stacks that it saw last, fill so many pipes with 16
/// pages each.
fn two_leaks() -> [Leaker; 2] {
    ["100", "37"].map(|count| {
        let args = ["pipes", "--count", count, "--pages", "16"];
        Leaker::start_as(LEAK, &args, |command| {
            let on_one_cpu = || {
                stay_on(0);
                Ok(())
            };
            // SAFETY: one system call.
            unsafe { command.pre_exec(on_one_cpu) };
        })
    })
}

/// The pages in pipes of the sites that `is_theirs` says.
fn in_pipes(report: &Report, is_theirs: impl Fn(&Site) -> bool) -> u64 {
    let is_pipe = |site: &Site| site.contains("pipe_write") && site.contains("writev");
    let sites = report.sites_where(|site| is_pipe(site) && is_theirs(site));
    sites.iter().map(|site| site.unfreed_pages).sum()
}

/// A trace by `by`, without a look for who has the pages.
fn trace_by(by: &str, args: &[&str]) -> Tracing {
    Tracing::attach(&[&["--no-holders", "--by", by], args].concat())
}

fn entry<'a>(report: &'a Report, owner: &str) -> &'a Entry {
    let mut entries = report.entries.iter().filter(|it| it.owner == owner);
    let entry = entries.next();
    assert!(entries.next().is_none(), "{owner} is one entry");
    entry.unwrap_or_else(|| panic!("no {owner}: {:#?}", report.entries))
}

/// What pagetrace says of a saved trace that is asked for `by`.
fn refusal(outputs: &Outputs, by: &str) -> String {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(&file, &outputs.json).expect("room for it");
    let path = file.path().to_str().expect("a temporary path is text");
    let finished = Pagetrace::new(&["report", path, "--by", by]).run();
    finished.refusal().to_owned()
}

#[test]
fn processes_that_take_pages_by_one_stack_are_told_apart() {
    const TEST: &str = "processes_that_take_pages_by_one_stack_are_told_apart";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    for how in [&[][..], &["--no-cache"], &["--hook", "tracefs"]] {
        let trace = trace_by("process", how);
        let leaks = two_leaks();
        let outputs = trace.end();
        let report = &outputs.report;
        assert_eq!(report.window.takers.as_deref(), Some("process"));
        for leak in &leaks {
            let (pid, pages) = (leak.pid(), leak.announcement.pages);
            let is_theirs = |site: &Site| site.process.as_ref().is_some_and(|it| it.pid == pid);
            assert_eq!(in_pipes(report, is_theirs), pages, "{how:?}");
            let owner = format!("leak (pid {pid})");
            let entry = entry(report, &owner);
            assert!(entry.pages >= pages, "{entry:#?}");
            let is_row = |row: &&str| row.ends_with(&owner);
            assert!(outputs.ranking().iter().any(is_row), "{owner}");
        }
        assert_eq!(pages_in_pipes(report), 137 * 16, "{how:?}");
        let is_header = |line: &str| line.trim().starts_with("# ") && line.ends_with("PROCESS");
        assert!(outputs.table.lines().any(is_header), "{}", outputs.table);
        assert_eq!(report.losses.mismatched_sites, 0, "{how:?}");
    }
}

#[test]
fn cgroups_are_told_apart_by_their_paths() {
    const TEST: &str = "cgroups_are_told_apart_by_their_paths";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    let Some(group) = CgroupV2::new("taker") else {
        return skip(TEST, "no cgroup2 file system is mounted");
    };
    let groups = [group.below("one"), group.below("two")];
    let trace = trace_by("cgroup", &[]);
    let leaks = [(0, "10"), (1, "20"), (0, "40")].map(|(place, count)| {
        let args = ["pipes", "--count", count, "--pages", "16"];
        Leaker::start_as(LEAK, &args, |command| {
            let group: &CgroupV2 = &groups[place];
            let enter = group.enter();
            // SAFETY: one system call on a file opened before the fork.
            unsafe { command.pre_exec(enter) };
        })
    });
    let outputs = trace.end();
    drop(leaks);
    let report = &outputs.report;
    assert_eq!(report.window.takers.as_deref(), Some("cgroup"));
    for (group, pages) in groups.iter().zip([50 * 16, 20 * 16]) {
        let id = group.id();
        let is_theirs = |site: &Site| site.cgroup.as_ref().is_some_and(|it| it.id == id);
        assert_eq!(in_pipes(report, is_theirs), pages);
        let site = report.sites_where(is_theirs)[0];
        let path = site.cgroup.as_ref().and_then(|it| it.path.as_ref());
        let path = path.expect("it is there");
        assert!(group.path().ends_with(path), "{path}");
        assert!(entry(report, path).pages >= pages, "{path}");
    }
    assert_eq!(pages_in_pipes(report), 70 * 16);
    assert_eq!(report.losses.mismatched_sites, 0);
}

#[test]
fn an_interrupt_is_no_process() {
    const TEST: &str = "an_interrupt_is_no_process";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    if page_size() > 16 << 10 {
        return skip(
            TEST,
            "many replies share a slab, which the task takes pages for",
        );
    }
    let trace = trace_by("process", &["--kind", "all"]);
    let leak = Leaker::start(LEAK, &["icmp", "--count", "100"]);
    let outputs = trace.end();
    let report = &outputs.report;
    for site in &report.sites {
        let has_process = site.process.is_some();
        let is_known = !site.frames.is_empty();
        assert_eq!(has_process, is_known && !site.in_interrupt(), "{site:#?}");
    }
    let interrupts = entry(report, "[interrupt]");
    assert!(
        !interrupts.contexts.iter().any(|it| it == "task"),
        "{interrupts:#?}"
    );
    assert!(
        interrupts.pages >= leak.announcement.pages,
        "{interrupts:#?}"
    );
    assert!(
        outputs.table.contains(" and interrupts; "),
        "{}",
        outputs.table
    );
}

#[test]
fn a_full_site_table_is_no_process_and_loses_no_page() {
    const TEST: &str = "a_full_site_table_is_no_process_and_loses_no_page";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    let trace = trace_by("process", &["--max-sites", "1"]);
    let leaks = two_leaks();
    let outputs = trace.end();
    let report = &outputs.report;
    assert!(report.losses.site_table_full > 0, "{:?}", report.losses);
    let pages: u64 = leaks.iter().map(|leak| leak.announcement.pages).sum();
    let full = entry(report, "[site table full]");
    assert!(full.pages + pages_in_pipes(report) >= pages, "{full:#?}");
}

#[test]
fn takers_are_not_asked_of_a_trace_that_did_not_tell_them_apart() {
    const TEST: &str = "takers_are_not_asked_of_a_trace_that_did_not_tell_them_apart";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    let plain = Tracing::attach(&[]);
    let leaks = two_leaks();
    let plain = plain.end();
    for word in ["takers", "process", "cgroup"] {
        let field = format!("\"{word}\":");
        assert!(!plain.json.contains(&field), "{field}");
    }
    for by in ["process", "cgroup"] {
        let says = format!(
            "this trace did not tell one {by} from another: record one that does with `pagetrace -i \
             SECONDS --by {by}`"
        );
        assert_eq!(refusal(&plain, by), says);
    }
    drop(leaks);
    let by_process = trace_by("process", &[]).end();
    assert!(refusal(&by_process, "cgroup").contains("--by cgroup"));
}

/// Asked for stacks or functions, takers of the same one are added up.
#[test]
fn a_trace_by_process_can_be_asked_for_stacks() {
    const TEST: &str = "a_trace_by_process_can_be_asked_for_stacks";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    let trace = trace_by("process", &[]);
    let leaks = two_leaks();
    let outputs = trace.end();
    drop(leaks);
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(&file, &outputs.json).expect("room for it");
    let path = file.path().to_str().expect("a temporary path is text");
    for by in ["stack", "function"] {
        let asked = Pagetrace::new(&["report", path, "--by", by, "--json", "-"]).run();
        assert!(asked.status.success(), "{asked:#?}");
        let report: Report = serde_json::from_str(&asked.stdout).expect("one document");
        let ranked = |report: &Report| report.totals.ranked_pages;
        assert_eq!(ranked(&report), ranked(&outputs.report));
        let pipes = report
            .entries
            .iter()
            .filter(|it| it.owner.contains("pipe_write"));
        let pages: u64 = pipes.clone().map(|it| it.pages).sum();
        assert!(pages >= 137 * 16, "{pages}");
        // Linux 7.2 fills a pipe from two places in turns.
        assert!(pipes.count() <= 2, "{:#?}", report.entries);
    }
}
