//! What is taken, and what is refused.

use super::*;

fn read(line: &str) -> Result<Command, String> {
    let words = std::iter::once("pagetrace").chain(line.split_whitespace());
    Command::read(words.map(OsString::from)).map_err(|error| error.to_string())
}

fn help(line: &str) -> String {
    let help = read(line).expect_err("help is no command");
    help.replace(env!("CARGO_PKG_VERSION"), "[version]")
}

#[test]
fn the_definition_is_sound() {
    definition().debug_assert();
}

#[test]
fn what_makes_sense_is_taken() {
    for line in [
        "-i 600",
        "-i 1 --drain 0",
        "-- true",
        "-i 5 -- sleep 9",
        "check",
        "-i 2 --json -",
        "trace -i 5 --min-age 3",
        "trace -- report",
        "report leak.json --by stack --sort growth --kind slab --folded -",
        "report - --json again.json -v",
        "top",
        "top -i 1 --since 10m --socket s --record r.zst --kind slab,raw",
        "top --replay -",
        "proc",
        "proc -i 10 --sort oom --top 5 --json - -v",
        "proc 4711 -i 10 --peek --raw",
        "proc --from before.zst --sort swap",
    ] {
        assert!(read(line).is_ok(), "{line}");
    }
}

#[test]
fn the_verb_of_a_trace_can_be_left_out() {
    let spelled = |line: &str| match read(line) {
        Ok(Command::Trace(args)) => format!("{args:?}"),
        other => panic!("{line}: {other:?}"),
    };
    for line in ["-i 5 --kind slab --pid 7", "-i 9 --hook classic -- sleep 3"] {
        assert_eq!(spelled(line), spelled(&format!("trace {line}")));
    }
}

#[test]
fn what_does_not_is_refused_with_a_reason() {
    for (line, reason) in [
        ("", "say how long"),
        ("proc 0", "0 is not in 1.."),
        ("top -i 0", "at least 1 second"),
        ("top --replay a --record b", "cannot be used with"),
        ("top --replay a --since 1h", "cannot be used with"),
        ("proc --peek", "<PID>"),
        ("proc 4711 --raw", "--peek"),
        ("proc 4711 --sort rss", "cannot be used with"),
        ("proc -i 5 --from before.zst", "cannot be used with"),
        ("proc 4711 --peek --from before.zst", "cannot be used with"),
        ("proc --sort size", "possible values"),
        ("trace", "say how long"),
        ("-i 0", "at least 1"),
        ("-i abc", "whole number"),
        ("-i 999999999", "at most 604800"),
        ("-i 9 --drain 100", "0..=99"),
        ("-i 9 --min-age 9", "no page can be 9 s old"),
        ("trace -i 9 --min-age 9", "no page can be 9 s old"),
        ("-i 9 --json - --folded -", "the same place"),
        ("-i 9 --json x --folded x", "the same place"),
        ("report f --json x --folded x", "the same place"),
        ("-i 9 --sort size", "bytes, pages, growth"),
        ("-i 9 --by line", "function, stack"),
        ("-i 9 --max-sites 0", "1..="),
        ("check -i 9", "unexpected argument"),
        ("-i 9 check", "unexpected argument"),
        ("report", "<FILE|->"),
        ("report f -i 9", "unexpected argument"),
    ] {
        let error = read(line).expect_err(line);
        assert!(error.contains(reason), "{line}: {error}");
    }
}

#[test]
fn a_path_need_not_be_text() {
    use std::os::unix::ffi::OsStringExt as _;

    let path = OsString::from_vec(b"\xff.json".to_vec());
    let words = ["pagetrace", "report"].map(OsString::from);
    let words = words
        .into_iter()
        .chain([path.clone(), "--json".into(), path.clone()]);
    let Ok(Command::Report(args)) = Command::read(words) else {
        panic!("a report")
    };
    assert_eq!(
        args.source(),
        Source::Saved(&Input::File(path.clone().into()))
    );
    assert_eq!(args.output.json, Some(Output::File(path.into())));
}

#[test]
fn help_begins_with_examples() {
    let help = help("--help");
    assert_eq!(help.lines().nth(2), Some("Examples:"));
    insta::assert_snapshot!("help", help);
}

#[test]
fn a_verb_has_help_of_its_own() {
    insta::assert_snapshot!("help_of_report", help("report --help"));
}

#[test]
fn help_of_top() {
    insta::assert_snapshot!("help_of_top", help("top --help"));
}
