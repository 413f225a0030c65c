//! A service that records without end, and those who ask it.

use std::{
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use super::{Finished, Pagetrace, Report, Running, eventually, invariants};

/// A running `pagetrace serve`. Dropping it kills it.
pub struct Service {
    running: Running,
    folder: TempDir,
}

impl Service {
    /// Starts it with more `args`, and waits until it records.
    pub fn start(args: &[&str]) -> Self {
        Self::start_as(args, |pagetrace| pagetrace)
    }

    /// Likewise, of a program that is changed first.
    pub fn start_as(args: &[&str], changed: impl FnOnce(Pagetrace) -> Pagetrace) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = socket_in(&folder);
        let serve = [&["serve", "--socket", text(&socket)], args].concat();
        let running = changed(Pagetrace::new(&serve)).spawn();
        let mut service = Self { running, folder };
        service.wait_until_it_records();
        service
    }

    fn wait_until_it_records(&mut self) {
        eventually("the service to record", || {
            let ended = self.running.has_ended();
            assert!(!ended, "it ended: {}", self.running.stderr());
            self.running
                .stderr()
                .contains("recording; answers")
                .then_some(())
        });
    }

    /// Where it answers.
    pub fn socket(&self) -> PathBuf {
        socket_in(&self.folder)
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.running.pid()
    }

    /// What it has said.
    pub fn stderr(&self) -> String {
        self.running.stderr()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.running.signal(signal);
    }

    /// Waits until it ends.
    pub fn finish(self) -> (Finished, TempDir) {
        (self.running.finish(), self.folder)
    }

    /// Its report with these options, checked for what is true of every report.
    pub fn report(&self, args: &[&str]) -> Report {
        let finished = self.ask(&[args, &["--json", "-"]].concat()).run();
        assert!(finished.status.success(), "{finished:#?}");
        let report: Report = serde_json::from_str(&finished.stdout).expect("the documented schema");
        invariants::check_report(&report);
        report
    }

    /// `pagetrace report --live` of this service.
    pub fn ask(&self, args: &[&str]) -> Pagetrace {
        let socket = self.socket();
        Pagetrace::new(&[&["report", "--live", "--socket", text(&socket)], args].concat())
    }

    /// What it answers to a plain HTTP client: the head and the body.
    pub fn get(&self, path: &str) -> (String, String) {
        let stream = UnixStream::connect(self.socket()).expect("it answers");
        http(stream, path)
    }
}

/// What an HTTP server answers over a connection.
pub fn http(mut stream: impl std::io::Read + std::io::Write, path: &str) -> (String, String) {
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (head.to_owned(), body.to_owned())
}

fn socket_in(folder: &TempDir) -> PathBuf {
    folder.path().join("socket")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 temporary folder")
}
