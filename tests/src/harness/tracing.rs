//! A trace of the running kernel, from attached to its reports.

use std::{fs, path::Path};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{Folded, Pagetrace, Report, Running, invariants};

/// A window longer than any test, for tests that end it themselves: recording
/// goes on until they do.
pub const OPEN_END: [&str; 2] = ["-i", "600"];

/// A pagetrace that is attached and writes every output format.
pub struct Tracing {
    running: Running,
    files: TempDir,
}

/// What one trace wrote, checked for what is true of every report.
#[derive(Debug)]
pub struct Outputs {
    /// The table on stdout.
    pub table: String,
    /// The JSON document.
    pub report: Report,
    /// The same as it was written.
    pub json: String,
    /// The folded stacks.
    pub folded: Folded,
    /// Everything on stderr.
    pub stderr: String,
}

impl Tracing {
    /// Starts pagetrace with an open end and more `args`, and waits until it is attached.
    pub fn attach(args: &[&str]) -> Self {
        let args = [&OPEN_END, args].concat();
        Self::start(&args, Pagetrace::spawn)
    }

    /// Starts pagetrace with `args` as `spawn` says, and waits until it is attached.
    pub fn start(args: &[&str], spawn: impl FnOnce(Pagetrace) -> Running) -> Self {
        let files = tempfile::tempdir().expect("a temporary folder");
        let (json, folded) = (path(&files, JSON), path(&files, FOLDED));
        let outputs = ["-v", "--json", &json, "--folded", &folded];
        let mut running = spawn(Pagetrace::new(&[&outputs, args].concat()));
        running.wait_until_attached();
        Self { running, files }
    }

    /// The process.
    pub fn running(&mut self) -> &mut Running {
        &mut self.running
    }

    /// Ends the window now and reads the report.
    pub fn end(self) -> Outputs {
        self.running.signal(Signal::INT);
        self.finish()
    }

    /// Waits for the end of the window and reads the report.
    pub fn finish(self) -> Outputs {
        let finished = self.running.finish();
        assert!(finished.status.success(), "{finished:#?}");
        Outputs::read(self.files.path(), finished.stdout, finished.stderr)
    }
}

const JSON: &str = "report.json";
const FOLDED: &str = "report.folded";

fn path(files: &TempDir, name: &str) -> String {
    files
        .path()
        .join(name)
        .to_str()
        .expect("a UTF-8 temporary folder")
        .to_owned()
}

impl Outputs {
    /// The rows of the table's ranking, best first.
    pub fn ranking(&self) -> Vec<&str> {
        let is_header = |line: &&str| line.trim().starts_with("# ");
        let is_row = |line: &&str| {
            let rank = line.split_ascii_whitespace().next();
            rank.is_some_and(|rank| rank.parse::<usize>().is_ok())
        };
        let below = self
            .table
            .lines()
            .skip_while(|line| !is_header(line))
            .skip(1);
        below.take_while(is_row).collect()
    }

    fn read(folder: &Path, table: String, stderr: String) -> Self {
        let text = |name| fs::read_to_string(folder.join(name)).expect("pagetrace wrote it");
        let json = text(JSON);
        let report: Report = serde_json::from_str(&json).expect("the documented schema");
        let folded = Folded::parse(&text(FOLDED)).expect("folded stacks");
        invariants::check_report(&report);
        invariants::check_folded(&folded, &report);
        invariants::check_sorted(&text(FOLDED));
        Self {
            table,
            report,
            json,
            folded,
            stderr,
        }
    }
}
