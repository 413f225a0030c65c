//! Machines on which nothing is wrong: no finding is more than information.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use pagetrace::model::{Cause, Gravity, ObjectKind, Subject};
use pagetrace_tests::harness::{Leaker, Memcg, eventually, is_emulated, note, root_or_skip, skip};

use rustix::{
    param::page_size,
    process::{Pid, Signal, kill_process_group},
};

use super::{Doctor, MIB, Told, clearly, group::Group, total_bytes, window};
use crate::LEAK;

/// Nothing that was found is wrong.
fn is_quiet(told: &Told) {
    let findings = told.case.findings.iter();
    let wrong: Vec<_> = findings
        .filter(|it| it.gravity > Gravity::Information)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(told.finished.status.code(), Some(0), "{:#?}", told.finished);
    assert!(
        told.answer().starts_with("Nothing is wrong"),
        "{}",
        told.answer()
    );
    note(&told.finished.stdout);
}

#[test]
fn an_idle_machine() {
    if let Some(_machine) = root_or_skip("an_idle_machine") {
        is_quiet(&Doctor::start(5, &[]).told());
    }
}

#[test]
fn a_page_cache_that_fills() {
    /// On a disk, where there is one.
    const FOLDER: &str = "/var/tmp";
    let test = "a_page_cache_that_fills";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let Ok(mut file) = tempfile::tempfile_in(FOLDER) else {
        skip(test, "there is no /var/tmp");
        return;
    };
    let doctor = Doctor::start(5, &[]);
    let mut bytes = vec![7; 1 << 20];
    (0..clearly(256 * MIB) / MIB).for_each(|_| file.write_all(&bytes).expect("there is room"));
    std::io::Seek::rewind(&mut file).expect("our file");
    while file.read(&mut bytes).expect("our file") > 0 {}
    is_quiet(&doctor.told());
}

/// Page cache is no leak, and its control group can be told to give it back.
#[test]
fn a_page_cache_that_its_group_gives_back() {
    let test = "a_page_cache_that_its_group_gives_back";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let folder = tempfile::tempdir_in("/var/tmp");
    let (true, Ok(folder)) = (is_emulated(), folder) else {
        skip(
            test,
            "reads a quarter of memory from a disk, as a small machine with one can",
        );
        return;
    };
    let memcg = Memcg::with_limit(1 << 40).filter(|it| it.has("memory.reclaim"));
    let Some(memcg) = memcg else {
        skip(
            test,
            "there is no memory.reclaim: it needs cgroups of version 2, and Linux 5.19",
        );
        return;
    };
    let reader = reader(folder.path(), &memcg);
    let told = Doctor::start(2, &[]).told();
    is_quiet(&told);
    let remedies = told.case.findings.iter().flat_map(|it| &it.remedies);
    let mut remedies = remedies.filter(|it| it.command.contains(&memcg.name()));
    let remedy = remedies.next().expect("its group has most");
    let promised = remedy.gives_bytes.expect("the kernel counts it");
    assert!(promised >= total_bytes() / 4, "{remedy:#?}");
    let shell = Command::new("sh").args(["-c", &remedy.command]).status();
    assert!(shell.expect("there is a shell").success(), "{remedy:#?}");
    let cache = |it: &Told| {
        let mut all = it.case.looked_at.iter();
        all.find(|it| it.subject == Subject::PageCache)?.bytes
    };
    let later = cache(&Doctor::start(2, &[]).told());
    let [before, after] = [cache(&told), later].map(|it| it.expect("the kernel counts it"));
    assert!(
        before - after > (promised / 10 * 9) as i64,
        "{before} {after}"
    );
    drop(reader);
}

/// A process in the group that has read a file from disk, more than a quarter of memory. The file is a
/// hole, which is read without waiting.
fn reader(folder: &Path, memcg: &Memcg) -> Group {
    let bytes = total_bytes() / 4 + 64 * MIB;
    let script = format!("truncate -s {bytes} file; cat file > /dev/null; touch read; exec cat");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(folder);
    shell.stdin(Stdio::piped());
    memcg.put(&mut shell);
    let group = Group::start(shell);
    eventually("the file to be read", || {
        folder.join("read").exists().then_some(())
    });
    group
}

/// A pool of huge pages that nobody uses yet, as a database has it made at boot.
#[test]
fn a_reserve_of_huge_pages() {
    const POOL: &str = "/proc/sys/vm/nr_hugepages";
    let test = "a_reserve_of_huge_pages";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let Ok(before) = fs::read_to_string(POOL) else {
        skip(test, "the kernel has no hugetlbfs");
        return;
    };
    let _restored = Pool(before);
    let count = clearly(200 * MIB).div_ceil(2 * MIB);
    fs::write(POOL, count.to_string()).expect("root may set it");
    let told = Doctor::start(2, &[]).told();
    is_quiet(&told);
    let bytes = told.case.findings.iter().filter_map(|it| match &it.cause {
        Cause::Reserved { name, .. } if name.starts_with("huge pages") => Some(it.bytes),
        _ => None,
    });
    assert_eq!(bytes.sum::<u64>(), count * 2 * MIB);
}

struct Pool(String);

impl Drop for Pool {
    fn drop(&mut self) {
        // Nothing can be done about it.
        let _ = fs::write("/proc/sys/vm/nr_hugepages", self.0.trim());
    }
}

/// A ring as large as its program asked for, which takes all of it at once.
#[test]
fn a_tracer_with_a_large_ring() {
    let Some(_machine) = root_or_skip("a_tracer_with_a_large_ring") else {
        return;
    };
    let doctor = Doctor::start(window(), &[]);
    let pages = clearly(128 * MIB).next_power_of_two() / page_size() as u64;
    let order = pages.ilog2().to_string();
    let _tracer = Leaker::start(LEAK, &["bpf-ring", "--order", &order]);
    let told = doctor.told();
    is_quiet(&told);
    let mut rings = told.case.findings.iter().filter_map(|it| match &it.cause {
        Cause::Held(held) if held.object == ObjectKind::BpfRingBuffer => Some(held),
        _ => None,
    });
    assert!(
        rings.any(|it| it.name.contains("leak")),
        "{:#?}",
        told.case.findings
    );
}

/// Shared memory that processes have mapped is what databases keep their pages in.
#[test]
fn a_database_with_its_shared_memory() {
    let Some(_machine) = root_or_skip("a_database_with_its_shared_memory") else {
        return;
    };
    let mib = (clearly(256 * MIB) / MIB).to_string();
    let _database = Leaker::start(LEAK, &["shmem", "--by", "anonymous", "--mib", &mib]);
    is_quiet(&Doctor::start(2, &[]).told());
}

/// Compilers that come, grow and go.
#[test]
fn a_build() {
    const SOURCE: &str = "#include <regex>\n#include <map>\n#include <functional>\n\
        std::map<std::string, std::regex> all;\n\
        bool f(std::string s) { return std::regex_match(s, all[s]); }\n";
    let test = "a_build";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if Command::new("c++").arg("--version").output().is_err() {
        skip(test, "there is no compiler");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("a.cc"), SOURCE).expect("there is room");
    let script = "while :; do c++ -O2 -c a.cc -o a.o; touch built; done";
    let mut shell = Command::new("sh");
    shell
        .process_group(0)
        .args(["-c", script])
        .current_dir(&folder)
        .stdin(Stdio::null());
    let build = Build(shell.spawn().expect("there is a shell"));
    let told = Doctor::start(8, &[]).told();
    eventually("a file to be compiled", || {
        folder.path().join("built").exists().then_some(())
    });
    drop(build);
    is_quiet(&told);
}

/// A shell with its compiler.
struct Build(Child);

impl Drop for Build {
    fn drop(&mut self) {
        // Fails only if all have ended already.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}
