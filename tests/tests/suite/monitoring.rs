//! What monitoring is given: that Prometheus accepts it, and that it is about metrics there are.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use pagetrace_tests::harness::{Service, eventually, root_or_skip, skip};
use serde_json::Value;

use crate::hold_500_pipes;

const RULES: &str = "pagetrace.rules.yml";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../packaging/monitoring")
        .join(name)
}

/// Whether promtool, prometheus and the files are there; a virtual machine has none of them.
fn can_be_asked(test: &str) -> bool {
    let there = Command::new("promtool").arg("--version").output().is_ok() && file(RULES).exists();
    if !there {
        skip(test, "promtool and prometheus are not installed here");
    }
    there
}

fn promtool(args: &[&str]) -> String {
    let output = Command::new("promtool")
        .args(args)
        .output()
        .expect("promtool");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

fn path(name: &str) -> String {
    file(name).to_str().expect("a UTF-8 path").to_owned()
}

#[test]
fn alert_rules_are_sound_and_fire_when_they_should() {
    let test = "alert_rules_are_sound_and_fire_when_they_should";
    if can_be_asked(test) {
        promtool(&["check", "rules", "--lint=all", "--lint-fatal", &path(RULES)]);
        promtool(&["test", "rules", &path("pagetrace.rules.test.yml")]);
    }
}

/// Every query of the dashboard, with the variables that Grafana fills in.
fn queries_of_dashboard() -> Vec<String> {
    let text = fs::read_to_string(file("grafana-dashboard.json")).expect("a file");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array());
    let queries = targets.flatten().map(|target| {
        let query = target["expr"].as_str().expect("a query");
        query
            .replace("$instance", ".*")
            .replace("$__rate_interval", "5m")
    });
    queries.collect()
}

#[test]
fn the_queries_of_the_dashboard_can_be_asked() {
    if !can_be_asked("the_queries_of_the_dashboard_can_be_asked") {
        return;
    }
    let queries = queries_of_dashboard();
    assert!(queries.len() > 10, "{queries:?}");
    let rule =
        |(number, expr)| serde_json::json!({"record": format!("query:{number}"), "expr": expr});
    let rules: Vec<_> = queries.iter().enumerate().map(rule).collect();
    // JSON is YAML.
    let rules = serde_json::json!({"groups": [{"name": "dashboard", "rules": rules}]});
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("rules.yml");
    fs::write(&file, rules.to_string()).expect("room");
    promtool(&["check", "rules", file.to_str().expect("a UTF-8 path")]);
}

/// The names of our metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("pagetrace_"))
        .collect()
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// A Prometheus that scrapes one address. Dropping it kills it.
struct Prometheus {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Prometheus {
    fn start(target: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (config, rules) = (folder.path().join("prometheus.yml"), path(RULES));
        let text = format!(
            "global: {{scrape_interval: 5s, scrape_timeout: 5s, evaluation_interval: 5s}}\n\
             rule_files: ['{rules}']\n\
             scrape_configs:\n- job_name: pagetrace\n  static_configs:\n  - targets: ['{target}']\n"
        );
        fs::write(&config, text).expect("room");
        let log = File::create(folder.path().join("log")).expect("a file");
        let address = format!("127.0.0.1:{}", free_port());
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus");
        Self {
            child,
            address,
            folder,
        }
    }

    /// What it answers, once that is something.
    fn ask(&self, query: &str) -> String {
        let url = format!("http://{}", self.address);
        let answer = eventually(&format!("an answer to {query}"), || {
            let args = ["query", "instant", &url, query];
            let output = Command::new("promtool")
                .args(args)
                .output()
                .expect("promtool");
            let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            (output.status.success() && !answer.is_empty()).then_some(answer)
        });
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert!(!log.contains("level=error"), "{log}");
        answer
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn prometheus_scrapes_a_leak_with_its_function() {
    let test = "prometheus_scrapes_a_leak_with_its_function";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    if !can_be_asked(test) {
        return;
    }
    let target = format!("127.0.0.1:{}", free_port());
    let service = Service::start(&["--listen", &target, "--every", "2"]);
    let _leak = hold_500_pipes();
    let prometheus = Prometheus::start(&target);
    assert!(prometheus.ask("up == 1").contains("pagetrace"));
    let leak = "sum by (function) (pagetrace_site_inuse_bytes * on (instance, site) \
                group_left (function, module) pagetrace_site_info) >= 8000 * 4096";
    let leak = prometheus.ask(leak);
    assert!(leak.contains("pipe_write"), "{leak}");
    prometheus.ask("pagetrace_holder_bytes{kind=\"pipes\"} > 0");
    let failed = "prometheus_rule_evaluation_failures_total > 0 or vector(0)";
    assert!(prometheus.ask(failed).contains("=> 0"));
    is_about_what_there_is(&service);
}

/// Rules and dashboard ask for no metric that is not there, and the document explains each that is.
fn is_about_what_there_is(service: &Service) {
    let (_, metrics) = service.get("/metrics");
    let samples: String = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n");
    // Where no group has anything, it has no series.
    let known: BTreeSet<_> = names(&samples)
        .into_iter()
        .chain(["pagetrace_cgroup_bytes"])
        .collect();
    let rules = fs::read_to_string(file(RULES)).expect("a file");
    let asked = queries_of_dashboard().join("\n") + &rules;
    let unknown: Vec<_> = names(&asked).difference(&known).copied().collect();
    assert!(unknown.is_empty(), "nobody answers {unknown:?}");
    let document = include_str!("../../../docs/monitoring.md");
    let told = |name: &&str| document.contains(name.trim_start_matches("pagetrace"));
    let untold: Vec<_> = known.iter().filter(|name| !told(name)).collect();
    assert!(
        untold.is_empty(),
        "docs/monitoring.md does not explain {untold:?}"
    );
}
