//! The incidents of docs/incidents.md, as small as they can be told from what is right.

use std::{
    fs::{self, File},
    io::Write as _,
    os::fd::AsRawFd as _,
    path::Path,
    process::{self, Child, Command, Stdio},
};

use pagetrace::model::{
    Cause, FileSystemCause, Gravity, NextKill, ObjectKind, ProcessCause, Reason,
};
use pagetrace_tests::harness::{
    Leaker, Memcg, Pagetrace, eventually, is_emulated, root_or_skip, skip,
};
use rustix::{
    mount::{MountFlags, UnmountFlags, mount, unmount},
    process::{Pid, Signal},
};
use tempfile::TempDir;

use super::{Doctor, MIB, Told, clearly, full_pipes, group::Group, window};
use crate::LEAK;

/// A routing daemon's raw socket of ICMPv6 that nobody reads: each advertisement of 40 bytes pins a
/// block of 32 KiB.
#[test]
fn a_raw_socket_that_nobody_reads() {
    let Some(_machine) = root_or_skip("a_raw_socket_that_nobody_reads") else {
        return;
    };
    let doctor = Doctor::start(window(), &[]);
    let count = clearly(220 * MIB).div_ceil(32 << 10).to_string();
    let daemon = Leaker::start(LEAK, &["held", "advertisements", "--count", &count]);
    let told = doctor.told();
    told.is_severe(Gravity::Leak);
    is_the_daemon(&told, &daemon, Reason::Grew);
    let taken_by = told.held().1.taken_by.as_ref().expect("it was traced");
    assert!(
        taken_by.pages * rustix::param::page_size() as u64 > 200 * MIB,
        "{taken_by:#?}"
    );
    told.is_still_there();

    // Whoever comes later finds it from the memory alone, of whatever age.
    let later = Doctor::start(2, &[]).told();
    later.is_severe(Gravity::Leak);
    is_the_daemon(&later, &daemon, Reason::Unread);
    drop(daemon);
    told.comes_back();
    later.comes_back();
}

fn is_the_daemon(told: &Told, daemon: &Leaker, reason: Reason) {
    let (finding, held) = told.held();
    assert_eq!(held.owner.pid, Some(daemon.pid()), "{held:#?}");
    assert!(held.owner.fd.is_some(), "{held:#?}");
    let socket = held.socket.as_ref().expect("it is one");
    assert_eq!(
        (held.object, socket.protocol.as_str()),
        (ObjectKind::Socket, "raw6")
    );
    assert!(finding.bytes >= 200 * MIB, "{finding:#?}");
    assert!(
        finding.bytes > 100 * held.account.payload_bytes,
        "{finding:#?}"
    );
    assert!(held.reasons.contains(&reason), "{held:#?}");
    assert!(held.reasons.contains(&Reason::Wasteful), "{held:#?}");
    // As part of a service, that is to be restarted first.
    let command = format!("kill {}", daemon.pid());
    let mut remedies = finding.remedies.iter();
    let kill = remedies.find(|it| it.command == command);
    let kill = kill.unwrap_or_else(|| panic!("{finding:#?}"));
    let promised = kill.gives_bytes.expect("it was counted");
    assert!(promised > finding.bytes / 10 * 9, "{finding:#?}");
    for part in ["raw6 [::]:58", &format!("leak (pid {}", daemon.pid())] {
        assert!(told.answer().contains(part), "{}", told.answer());
    }
}

/// A process that is stopped reads nothing.
#[test]
fn pipes_whose_reader_is_stopped() {
    let Some(_machine) = root_or_skip("pipes_whose_reader_is_stopped") else {
        return;
    };
    let (leak, count) = full_pipes();
    let pid = Pid::from_raw(leak.pid() as i32).expect("a pid");
    rustix::process::kill_process(pid, Signal::STOP).expect("our child");
    let told = Doctor::start(2, &[]).told();
    told.is_severe(Gravity::Leak);
    let (finding, held) = told.held();
    assert_eq!((held.owner.pid, held.state), (Some(leak.pid()), Some('T')));
    assert_eq!(
        finding.bytes,
        count * 16 * rustix::param::page_size() as u64
    );
    assert!(held.reasons.contains(&Reason::Stopped), "{held:#?}");
    assert_eq!(
        finding.remedies[0].command,
        format!("kill -CONT {}", leak.pid())
    );
    drop(leak);
    told.comes_back();
}

/// A tmpfs that logs fill, with a file that was deleted while it was open.
#[test]
fn a_tmpfs_full_of_logs() {
    let Some(_machine) = root_or_skip("a_tmpfs_full_of_logs") else {
        return;
    };
    let size = clearly(300 * MIB).div_ceil(3 * MIB);
    let logs = Tmpfs::mount(&format!("size={}m", 4 * size));
    for number in 0..2 {
        drop(logs.file(&format!("app.log.{number}"), size));
    }
    let deleted = logs.file("app.log", size);
    fs::remove_file(logs.path().join("app.log")).expect("our file");
    let told = Doctor::start(2, &[]).told();
    told.is_severe(Gravity::Suspicious);
    let finding = told.first();
    let Cause::FileSystem(cause) = &finding.cause else {
        panic!("{finding:#?}");
    };
    is_the_tmpfs(cause, &logs, size);
    assert_eq!(finding.bytes, 3 * size * MIB);
    let commands: Vec<_> = finding
        .remedies
        .iter()
        .map(|it| it.command.as_str())
        .collect();
    let cut = format!(
        "truncate -s 0 /proc/{}/fd/{}",
        process::id(),
        deleted.as_raw_fd()
    );
    assert_eq!(commands[0], cut);
    assert_eq!(finding.remedies[0].gives_bytes, Some(size * MIB));
    let (point, limit) = (logs.path().display(), (2 * size).next_power_of_two());
    assert_eq!(
        commands.last(),
        Some(&&*format!("mount -o remount,size={limit}M {point}"))
    );
    told.is_still_there();
    for command in [commands[0], commands.last().expect("it was asserted")] {
        let status = Command::new("sh").args(["-c", command]).status();
        assert!(status.expect("there is a shell").success(), "{command}");
    }
    told.comes_back();
}

fn is_the_tmpfs(cause: &FileSystemCause, logs: &Tmpfs, size: u64) {
    assert_eq!(cause.whole.name, logs.path().to_str().expect("UTF-8"));
    assert_eq!(cause.whole.limit_bytes, Some(4 * size * MIB));
    assert_eq!(cause.deleted_bytes, size * MIB);
    let holders = cause.files.iter().flat_map(|it| &it.holders.first);
    let pids: Vec<_> = holders.map(|it| it.task.pid).collect();
    assert_eq!(pids, [process::id()], "{cause:#?}");
}

struct Tmpfs {
    folder: TempDir,
}

impl Tmpfs {
    fn mount(options: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = std::ffi::CString::new(options).expect("no zero in it");
        let mounted = mount(
            "logs",
            folder.path(),
            "tmpfs",
            MountFlags::empty(),
            &*options,
        );
        mounted.expect("root may mount");
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str, mib: u64) -> File {
        let mut file = File::create(self.path().join(name)).expect("our tmpfs");
        let line = vec![b'a'; 1 << 20];
        (0..mib).for_each(|_| file.write_all(&line).expect("there is room"));
        file
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // A file may be open still.
        let _ = unmount(self.path(), UnmountFlags::DETACH);
    }
}

/// A worker that grows until the limit of its control group has it killed, again and again.
#[test]
fn a_worker_that_its_cgroup_kills() {
    let test = "a_worker_that_its_cgroup_kills";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let Some(memcg) = Memcg::with_limit(64 * MIB) else {
        skip(test, "there is no memory controller in /sys/fs/cgroup");
        return;
    };
    let memcg = memcg.without_swap();
    let script = format!("while :; do {LEAK} json --mib 8 --mib-per-second 128; done");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).stdin(Stdio::piped());
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    memcg.put(&mut shell);
    let supervisor = Group::start(shell);
    let told = Doctor::start(window(), &[]).told();
    told.is_severe(Gravity::Leak);
    let Cause::Killed(killed) = &told.first().cause else {
        panic!("{:#?}", told.first());
    };
    let group = killed.cgroup.as_ref().expect("it is in one");
    assert!(group.path.ends_with(&memcg.name()), "{group:#?}");
    assert_eq!(group.limit.as_ref().map(|it| it.bytes), Some(64 * MIB));
    let replaced = killed.replaced.as_ref().expect("it was");
    assert!(replaced.oom_kills >= 2, "{replaced:#?}");
    assert!(replaced.pids.len() >= 2, "{replaced:#?}");
    is_of_the_group(
        killed.next.as_ref().expect("there is a shell at least"),
        killed,
    );
    let content = killed.content.as_ref().expect("the next worker has some");
    let keys: Vec<_> = content
        .json_keys
        .iter()
        .map(|it| it.text.as_str())
        .collect();
    assert!(keys.contains(&"password"), "{keys:?}");
    assert!(told.answer().contains(&memcg.name()), "{}", told.answer());
    drop(supervisor);
    told.comes_back();
}

/// The worker, or its shell where it is not back yet. Its score may be above 1000: of what it has, pages of
/// files may be charged to another group.
fn is_of_the_group(next: &NextKill, killed: &ProcessCause) {
    let process = &next.process;
    assert_eq!(process.cgroup, killed.process.cgroup, "{next:#?}");
    assert!(["leak", "sh"].contains(&&*process.name), "{next:#?}");
    let rss = process.rss_bytes.expect("it has memory");
    let more = [process.swap_bytes, process.page_table_bytes];
    let has = rss + more.into_iter().flatten().sum::<u64>();
    assert_eq!(next.score as u64, has * 1000 / (64 * MIB), "{next:#?}");
}

/// Two equal machines, of which one queues messages for a broker that is down.
#[test]
fn a_producer_whose_broker_is_down() {
    let test = "a_producer_whose_broker_is_down";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let is_there = Command::new("kcat").arg("-V").output().is_ok();
    if !is_there || is_emulated() {
        skip(test, "needs kcat, and time for 550,000 messages");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let messages = folder.path().join("messages");
    let most = clearly(220 * MIB);
    // Each takes the queue twice as much as itself.
    let count = most / 400;
    write_messages(&messages, count).expect("there is room");
    let other = folder.path().join("other");
    let producer = produce(folder.path(), 20_000);
    grows_to(producer.pid(), 8 * MIB);
    let taken = Pagetrace::new(&["snapshot", "-o", other.to_str().expect("UTF-8")]).run();
    assert!(taken.status.success(), "{taken:#?}");
    drop(producer);

    let producer = produce(folder.path(), count);
    grows_to(producer.pid(), most);
    let told = Doctor::start(2, &["--against", other.to_str().expect("UTF-8")]).told();
    told.is_severe(Gravity::Suspicious);
    let found = told.case.findings.iter();
    let mut found = found.filter_map(|it| match &it.cause {
        Cause::Difference(difference) => Some((it, difference)),
        _ => None,
    });
    let (finding, difference) = found.next().expect("they differ");
    assert_eq!(difference.group, "user", "{difference:#?}");
    assert!(difference.command.starts_with("kcat "), "{difference:#?}");
    assert_eq!(difference.pid, Some(producer.pid()));
    assert_eq!(difference.mapping.as_deref(), Some("[heap]"));
    assert!(finding.bytes >= 200 * MIB, "{finding:#?}");
    let content = difference.content.as_ref().expect("it was looked into");
    let keys: Vec<_> = content
        .json_keys
        .iter()
        .map(|it| it.text.as_str())
        .collect();
    assert!(keys.contains(&"session"), "{content:#?}");
    drop(producer);
    told.comes_back();
}

fn write_messages(path: &Path, count: u64) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(File::create(path)?);
    let filler = "x".repeat(200);
    for number in 0..count {
        let user = number % 1000;
        writeln!(
            file,
            r#"{{"session":{number},"user":"u{user}","payload":"{filler}"}}"#
        )?;
    }
    file.flush()
}

/// A producer of real librdkafka, for a port that nobody listens on.
struct Producer(Child);

fn produce(folder: &Path, most: u64) -> Producer {
    let settings = folder.join("producer.conf");
    let limits =
        format!("queue.buffering.max.messages={most}\nqueue.buffering.max.kbytes=1048576\n");
    fs::write(&settings, limits).expect("there is room");
    let mut kcat = Command::new("kcat");
    kcat.arg("-F").arg(settings);
    kcat.args(["-E", "-P", "-b", "127.0.0.1:1", "-t", "logs"]);
    let messages = File::open(folder.join("messages")).expect("it was written");
    kcat.stdin(messages)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Producer(kcat.spawn().expect("kcat is there"))
}

impl Producer {
    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until a process has so much anonymous memory.
fn grows_to(pid: u32, bytes: u64) {
    eventually("the queue to fill", || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("our child");
        let line = status.lines().find_map(|it| it.strip_prefix("RssAnon:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        (kib << 10 >= bytes).then_some(())
    });
}
