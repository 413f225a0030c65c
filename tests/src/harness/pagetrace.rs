//! The built binary, run as a user would.

use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::{build::pagetrace_binary, eventually};

/// A user and a group without any privilege.
pub(super) const NOBODY: u32 = 65534;

const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";

/// A command line of pagetrace, about to be run.
pub struct Pagetrace {
    pub(super) command: Command,
    pub(super) files: TempDir,
}

impl Pagetrace {
    /// `pagetrace` with `args`, stdin empty, stdout and stderr kept.
    pub fn new(args: &[&str]) -> Self {
        Self::of(pagetrace_binary(), args, tempdir())
    }

    /// As [`new`](Self::new), by a user without any privilege.
    pub fn as_nobody(args: &[&str]) -> Self {
        let mut pagetrace = Self::for_everybody(args);
        if geteuid().is_root() {
            pagetrace.command.uid(NOBODY).gid(NOBODY);
        }
        pagetrace
    }

    /// As [`new`](Self::new), in a place that every user can reach.
    pub(super) fn for_everybody(args: &[&str]) -> Self {
        let files = tempdir();
        let copy = shared_copy(&files);
        Self::of(&copy, args, files)
    }

    fn of(program: &Path, args: &[&str], files: TempDir) -> Self {
        let create = |name| File::create(files.path().join(name)).expect("a temporary file");
        let mut command = Command::new(program);
        command
            .args(args)
            .env_remove("RUST_LOG")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null());
        command.stdout(create(STDOUT)).stderr(create(STDERR));
        Self { command, files }
    }

    /// Gives it one more argument, which need not be UTF-8.
    pub fn arg(mut self, arg: &OsStr) -> Self {
        self.command.arg(arg);
        self
    }

    /// Gives it another stdin.
    pub fn stdin(mut self, stdin: Stdio) -> Self {
        self.command.stdin(stdin);
        self
    }

    /// Gives it another stdout.
    pub fn stdout(mut self, stdout: Stdio) -> Self {
        self.command.stdout(stdout);
        self
    }

    /// Gives it another stderr.
    pub fn stderr(mut self, stderr: Stdio) -> Self {
        self.command.stderr(stderr);
        self
    }

    /// Sets variables in its environment.
    pub fn env(mut self, variables: &[(&str, &str)]) -> Self {
        self.command.envs(variables.iter().copied());
        self
    }

    /// Starts it.
    pub fn spawn(mut self) -> Running {
        let child = self.command.spawn().expect("pagetrace starts");
        Running {
            child,
            files: self.files,
        }
    }

    /// Runs it to its end.
    pub fn run(self) -> Finished {
        self.spawn().finish()
    }
}

/// A pagetrace that is running. Dropping it kills it.
pub struct Running {
    child: Child,
    files: TempDir,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("our child").is_some()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("our child has not been waited for");
    }

    /// Closes its stdin, and so that of the command it runs.
    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// What it and the command it runs have written to stdout so far.
    pub fn stdout(&self) -> String {
        self.read(STDOUT)
    }

    /// What it has written to stderr so far.
    pub fn stderr(&self) -> String {
        self.read(STDERR)
    }

    /// Waits until it says that it traces, which it does with `-v`.
    pub fn wait_until_attached(&mut self) {
        assert!(self.attaches(), "pagetrace ended:\n{}", self.read(STDERR));
    }

    /// Waits until it says that it traces, or ends without.
    pub fn attaches(&mut self) -> bool {
        eventually("pagetrace to attach", || {
            let ended = self.child.try_wait().expect("our child");
            let attached = self.read(STDERR).contains("pagetrace: attached ");
            (attached || ended.is_some()).then_some(attached)
        })
    }

    /// Waits until it ends.
    pub fn finish(mut self) -> Finished {
        let status = eventually("pagetrace to end", || {
            self.child.try_wait().expect("our child")
        });
        Finished {
            status,
            stdout: self.read(STDOUT),
            stderr: self.read(STDERR),
        }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.files.path().join(name)).expect("our temporary file")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pagetrace that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// All it wrote to stdout.
    pub stdout: String,
    /// All it wrote to stderr.
    pub stderr: String,
}

impl Finished {
    /// The one sentence on stderr of a pagetrace that refused with exit code 1
    /// and printed nothing else.
    pub fn refusal(&self) -> &str {
        assert_eq!(self.status.code(), Some(1), "{self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:#?}");
        self.complaint()
    }

    /// The one sentence on stderr, beside the remarks of `-v`.
    pub fn complaint(&self) -> &str {
        complaint(&self.stderr)
    }
}

/// The one sentence of a stderr that is no remark of `-v`.
pub fn complaint(stderr: &str) -> &str {
    const REMARKS: [&str; 3] = ["slot table ", "attached ", "report written "];
    let sentences = stderr.lines().map(|line| {
        let sentence = line.strip_prefix("pagetrace: ");
        sentence.expect("a sentence says who speaks")
    });
    let is_remark = |it: &&str| REMARKS.iter().any(|remark| it.starts_with(remark));
    let mut complaints = sentences.filter(|it| !is_remark(it));
    let complaint = complaints.next().expect("a complaint");
    assert_eq!(complaints.next(), None, "{stderr}");
    complaint
}

fn tempdir() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The binary where every user can reach it, which the target folder may not be.
fn shared_copy(folder: &TempDir) -> PathBuf {
    let everyone = Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), everyone).expect("our folder");
    let copy = folder.path().join("pagetrace");
    // By a process of its own: what a thread of this one has open to be written, others pass on to
    // their children for a moment, and a program that is open like that cannot be started.
    let copied = Command::new("cp")
        .arg(pagetrace_binary())
        .arg(&copy)
        .status();
    assert!(copied.expect("there is cp").success(), "room for a copy");
    copy
}
