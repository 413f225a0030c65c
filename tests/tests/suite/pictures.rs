//! The forms that other programs show: they open there, and say what the table says.

mod profile;

use std::{
    fs::{self, Permissions},
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use pagetrace_tests::harness::{Leaker, Outputs, Pagetrace, Tracing, eventually, root_or_skip};
use roxmltree::Document;
use serde_json::Value;
use tempfile::TempDir;

use self::profile::{Profile, Sample};
use crate::{LEAK, hold_500_pipes, pages_in_pipes};

/// The forms, and the files that a trace writes them to.
const FORMS: [(&str, &str); 5] = [
    ("--svg", "out.svg"),
    ("--html", "out.html"),
    ("--pprof", "out.pb.gz"),
    ("--speedscope", "out.json"),
    ("--firefox", "out.firefox.json"),
];

/// A trace of 500 pipes with every form.
struct Pictures {
    folder: TempDir,
    outputs: Outputs,
}

impl Pictures {
    fn of(leak: impl FnOnce() -> Leaker) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = FORMS.map(|(form, file)| [form.to_owned(), text(&folder.path().join(file))]);
        let args: Vec<_> = files.iter().flatten().map(String::as_str).collect();
        let trace = Tracing::attach(&args);
        let leak = leak();
        let outputs = trace.end();
        leak.release();
        Self { folder, outputs }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The report, as it was saved.
    fn saved(&self) -> PathBuf {
        let saved = self.path("saved.json");
        fs::write(&saved, &self.outputs.json).expect("room for it");
        saved
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("it was written")
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a UTF-8 path").to_owned()
}

fn is_of_pipes(profile: &Profile, sample: &Sample) -> bool {
    profile.passes(sample, "pipe_write") && profile.passes(sample, "writev")
}

#[test]
fn every_form_says_what_the_report_says() {
    let Some(_machine) = root_or_skip("every_form_says_what_the_report_says") else {
        return;
    };
    let pictures = Pictures::of(hold_500_pipes);
    let report = &pictures.outputs.report;
    assert_eq!(pages_in_pipes(report), 8000);
    let (pages, bytes) = (report.totals.ranked_pages, report.totals.ranked_bytes);

    let profile = Profile::read(&pictures.path("out.pb.gz"));
    assert_eq!(profile.sums_where(|_| true), [pages as i64, bytes as i64]);
    let of_pipes = |sample: &Sample| is_of_pipes(&profile, sample);
    assert_eq!(profile.sums_where(of_pipes)[0], 8000);
    let is_marked = |sample: &Sample| {
        let labels = profile.labels(sample);
        labels["kind"] == "raw" && labels["order"] == "0" && labels.contains_key("gfp")
    };
    assert_eq!(
        profile.sums_where(|it| of_pipes(it) && is_marked(it))[0],
        8000
    );
    let build_id = profile.build_id("[kernel.kallsyms]").expect("a mapping");
    let is_id = |id: &str| id.chars().all(|c| c.is_ascii_hexdigit());
    assert!(is_id(build_id), "{build_id}");

    let scope: Value = serde_json::from_str(&pictures.read("out.json")).expect("JSON");
    assert_eq!(scope["profiles"][0]["endValue"], bytes);

    let firefox: Value = serde_json::from_str(&pictures.read("out.firefox.json")).expect("JSON");
    let weights = firefox["threads"][0]["samples"]["weight"].as_array();
    let weights = weights.expect("a list").iter().filter_map(Value::as_u64);
    assert_eq!(weights.sum::<u64>(), bytes);

    let svg = pictures.read("out.svg");
    let svg = Document::parse(&svg).expect("XML");
    let boxes = svg.descendants().filter(|it| it.has_attribute("data-v"));
    let root = boxes.clone().next().expect("a root").attribute("data-v");
    let columns = root.expect("numbers").split(',');
    let sum: u64 = columns.filter_map(|it| it.parse::<u64>().ok()).sum();
    assert_eq!(sum, bytes);
    let is_pipe = |name: &str| name.contains("pipe_write");
    assert!(boxes.filter_map(|it| it.attribute("data-n")).any(is_pipe));

    let page = pictures.read("out.html");
    let answer = pictures.outputs.table.lines().next().expect("a line");
    assert!(page.contains(&format!("<h1>{answer}</h1>")), "{page}");
}

#[test]
fn a_saved_report_gives_the_same_forms() {
    let Some(_machine) = root_or_skip("a_saved_report_gives_the_same_forms") else {
        return;
    };
    let pictures = Pictures::of(hold_500_pipes);
    let saved = pictures.saved();
    for (form, file) in FORMS {
        let again = pictures.path("again");
        let args = ["report", &text(&saved), form, &text(&again)].map(str::to_owned);
        let finished = Pagetrace::new(&args.each_ref().map(String::as_str)).run();
        assert!(finished.status.success(), "{finished:#?}");
        let [first, second] =
            [pictures.path(file), again].map(|it| fs::read(it).expect("it is there"));
        assert!(first == second, "{form} differs");
    }
}

/// A server that takes one request with a body and answers it; gives the request's head and body.
fn take_one(listener: &TcpListener, answer: &str) -> (String, Vec<u8>) {
    let (mut stream, _) = eventually("pagetrace to send it", || listener.accept().ok());
    stream.set_nonblocking(false).expect("our own socket");
    let (mut got, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut part).expect("it sends");
        assert!(read > 0, "it ends early: {}", String::from_utf8_lossy(&got));
        got.extend_from_slice(&part[..read]);
        let Some(end) = got.windows(4).position(|it| it == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(got[..end].to_vec()).expect("text");
        let mut lines = head.lines();
        let length = lines.find_map(|it| it.strip_prefix("content-length: "));
        let length: usize = length.and_then(|it| it.parse().ok()).expect("a length");
        if got.len() == end + 4 + length {
            stream.write_all(answer.as_bytes()).expect("it listens");
            return (head, got.split_off(end + 4));
        }
    }
}

#[test]
fn a_profile_is_sent_to_a_server_that_keeps_profiles() {
    let Some(_machine) = root_or_skip("a_profile_is_sent_to_a_server_that_keeps_profiles") else {
        return;
    };
    let pictures = Pictures::of(hold_500_pipes);
    let saved = pictures.saved();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.set_nonblocking(true).expect("our own socket");
    let address = listener.local_addr().expect("loopback");
    let push = |answer: &str| {
        let url = format!("http://{address}/of/teams");
        let args = ["report", &text(&saved), "--push", &url].map(str::to_owned);
        let sender = Pagetrace::new(&args.each_ref().map(String::as_str)).spawn();
        let taken = take_one(&listener, answer);
        (taken, sender.finish())
    };
    let ((head, body), finished) = push("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    assert!(finished.status.success(), "{finished:#?}");
    assert!(
        finished.stdout.contains("pipe_write"),
        "the table is shown, too"
    );
    assert!(
        head.starts_with("POST /of/teams/ingest?name=pagetrace"),
        "{head}"
    );
    assert!(head.contains("&format=pprof"), "{head}");
    assert!(body == fs::read(pictures.path("out.pb.gz")).expect("it is there"));

    let refusal = "HTTP/1.1 422 No\r\ncontent-length: 10\r\n\r\nno tenant!";
    let (_, finished) = push(refusal);
    assert!(!finished.status.success());
    let complaint = format!("cannot send the profile to http://{address}/of/teams: no tenant!");
    assert!(finished.stderr.contains(&complaint), "{finished:#?}");
}

/// In a folder that comes first in the path.
#[test]
fn the_page_is_opened_in_the_browser() {
    let Some(_machine) = root_or_skip("the_page_is_opened_in_the_browser") else {
        return;
    };
    let pictures = Pictures::of(hold_500_pipes);
    let saved = pictures.saved();
    let browser = pictures.path("xdg-open");
    let shown = pictures.path("shown");
    let script = format!(
        "#!/bin/sh\ncp \"$1\" {0}.part && mv {0}.part {0}\n",
        text(&shown)
    );
    fs::write(&browser, script).expect("room for it");
    fs::set_permissions(&browser, Permissions::from_mode(0o700)).expect("our own file");
    let folder = text(pictures.folder.path());
    let path = format!("{folder}:/usr/bin:/bin");
    let open = ["report", &text(&saved), "--open"].map(str::to_owned);
    let open = Pagetrace::new(&open.each_ref().map(String::as_str));
    let finished = open.env(&[("PATH", &path), ("TMPDIR", &folder)]).run();
    assert!(finished.status.success(), "{finished:#?}");
    assert!(finished.stderr.contains("the page is in "), "{finished:#?}");
    let page = eventually("the browser to show it", || fs::read(&shown).ok());
    assert!(page == fs::read(pictures.path("out.html")).expect("it is there"));
}

/// A program that names itself so that a page might take it for markup.
#[test]
fn a_process_cannot_write_into_the_page() {
    const NAME: &str = "<i id=\"x\">&'";
    let Some(_machine) = root_or_skip("a_process_cannot_write_into_the_page") else {
        return;
    };
    let programs = tempfile::tempdir().expect("a temporary folder");
    let program = programs.path().join(NAME);
    fs::copy(LEAK, &program).expect("room for it");
    let pictures = Pictures::of(|| Leaker::start(&text(&program), &["pipes"]));
    let page = pictures.read("out.html");
    assert!(page.contains("&lt;i id=&quot;x&quot;&gt;&amp;"), "{page}");
    assert!(!page.contains("<i id"), "{page}");
    Document::parse(&pictures.read("out.svg")).expect("XML");
}

#[test]
fn two_traces_are_one_picture() {
    let Some(_machine) = root_or_skip("two_traces_are_one_picture") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [before, after, svg] = ["before", "after", "svg"].map(|it| folder.path().join(it));
    fs::write(&before, Tracing::attach(&[]).end().json).expect("room for it");
    let trace = Tracing::attach(&[]);
    let _leak = hold_500_pipes();
    fs::write(&after, trace.end().json).expect("room for it");
    let [before, after] = [before, after].map(|it| text(&it));
    let finished = Pagetrace::new(&["diff", &before, &after, "--svg", &text(&svg)]).run();
    assert!(finished.status.success(), "{finished:#?}");
    let picture = fs::read_to_string(&svg).expect("it was written");
    let picture = Document::parse(&picture).expect("XML");
    let mut boxes = picture.descendants();
    let pipes = boxes.find(|it| {
        let name = it.attribute("data-n").unwrap_or_default();
        name.contains("pipe_write") && it.attribute("data-v") == Some("32768000,0")
    });
    assert!(
        pipes.is_some(),
        "{}",
        fs::read_to_string(&svg).expect("it is there")
    );
}
