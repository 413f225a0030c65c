//! What `run.sh` wrote, read back.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};

use super::outcome::{Ending, Finding, Outcome};

impl Outcome {
    /// Reads the text; fails if some of it is missing.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let parts = parts(text);
        let part = |name: &str| {
            let part = parts.get(name).map(Vec::as_slice);
            part.with_context(|| format!("the run ended before its part `{name}`"))
        };
        part("end")?;
        let [date, release, version] = part("kernel")? else {
            bail!("the part `kernel` has other lines than date, release and version")
        };
        let (suite, stderr) = (part("suite")?, part("stderr")?);
        let tests = tests(suite, stderr);
        let programs: Vec<_> = part("verifier")?
            .iter()
            .filter_map(|line| pair(line))
            .collect();
        let silent = stderr
            .iter()
            .any(|line| line.starts_with("SKIPPED verifier: "));
        ensure!(
            !tests.is_empty() && (silent || !programs.is_empty()),
            "the suite or the verifier program ran nothing: {}",
            stderr.join("\n")
        );
        Ok(Self {
            date: (*date).to_owned(),
            release: (*release).to_owned(),
            version: (*version).to_owned(),
            file_systems: part("mounts")?.iter().map(|&it| it.to_owned()).collect(),
            only: part("only")?.join(" "),
            findings: part("check")?
                .iter()
                .filter_map(|line| finding(line))
                .collect(),
            programs,
            tests,
            report: part("report")?.join("\n"),
            failures: failures(suite),
        })
    }
}

/// The lines of each part, by its name.
fn parts(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut parts = BTreeMap::new();
    let mut current = None;
    // A serial line ends lines with a carriage return as well.
    for line in text.lines().map(|line| line.trim_end_matches('\r')) {
        if let Some(name) = line.strip_prefix("=== ") {
            current = Some(parts.entry(name).or_insert_with(Vec::new));
        } else if let Some(lines) = &mut current {
            lines.push(line);
        }
    }
    parts
}

/// `ok       privileges           may load and attach BPF programs`
fn finding(line: &str) -> Option<Finding> {
    if line.starts_with(' ') {
        return None;
    }
    let mut columns = line
        .split("  ")
        .map(str::trim)
        .filter(|column| !column.is_empty());
    let mut column = || columns.next().map(str::to_owned);
    Some(Finding {
        state: column()?,
        subject: column()?,
        detail: column()?,
    })
}

fn pair(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(": ")?;
    Some((name.to_owned(), value.to_owned()))
}

fn tests(suite: &[&str], stderr: &[&str]) -> BTreeMap<String, Ending> {
    let skips = stderr
        .iter()
        .filter_map(|line| pair(line.strip_prefix("SKIPPED ")?));
    let skips: BTreeMap<_, _> = skips.collect();
    let ended = suite.iter().filter_map(|line| {
        let (name, ending) = line.strip_prefix("test ")?.split_once(" ... ")?;
        // Tests say their own names without the module.
        let own = name.rsplit("::").next().unwrap_or(name);
        let ending = match (ending, skips.get(own)) {
            ("ok", Some(reason)) => Ending::Skipped(reason.clone()),
            ("ok", None) => Ending::Passed,
            _ => Ending::Failed,
        };
        Some((name.to_owned(), ending))
    });
    ended.collect()
}

fn failures(suite: &[&str]) -> String {
    let begin = suite.iter().position(|line| *line == "failures:");
    begin.map_or_else(String::new, |begin| suite[begin..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
=== kernel\r
2026-11-20\r
6.1.0-50-cloud-amd64\r
#1 SMP Debian\r
=== mounts\r
proc\r
tracefs\r
=== only\r
pipes\r
=== check\r
ok       raw tracepoints      page structs of 64 bytes\r
limited  debug information    no files\r
                              → install them\r
=== verifier\r
page_alloc: 2431\r
page_free: refused: too much: of it\r
=== suite\r
running 3 tests\r
test pipes::full ... ok\r
test module::leaks ... ok\r
test scope::all ... FAILED\r
\r
failures:\r
it broke\r
=== report\r
{\r
}\r
=== stderr\r
SKIPPED leaks: there is no module\r
=== end\r
";

    #[test]
    fn every_part_is_read() {
        let outcome = Outcome::parse(TEXT).expect("a whole run");
        assert_eq!(outcome.release, "6.1.0-50-cloud-amd64");
        assert_eq!(outcome.file_systems, ["proc", "tracefs"]);
        assert_eq!(outcome.only, "pipes");
        assert_eq!(outcome.findings.len(), 2);
        assert_eq!(outcome.findings[0].subject, "raw tracepoints");
        assert_eq!(outcome.findings[1].state, "limited");
        assert_eq!(outcome.programs[1].1, "refused: too much: of it");
        let counts = (outcome.passed(), outcome.failed(), outcome.skipped());
        assert_eq!(counts, (1, 1, 1));
        assert_eq!(outcome.report, "{\n}");
        assert_eq!(outcome.failures, "failures:\nit broke");
    }

    #[test]
    fn half_a_run_is_none() {
        let (half, _) = TEXT.split_once("=== stderr").expect("it has one");
        let error = Outcome::parse(half).expect_err("the end is missing");
        assert!(error.to_string().contains("`end`"), "{error}");
    }
}
