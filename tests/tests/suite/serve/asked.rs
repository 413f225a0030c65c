//! Whoever asks: often, many at once, without reading, without the right to.

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
};

use pagetrace_tests::harness::{Stress, eventually, http, root_or_skip, skip};

use super::service;
use crate::{hold_500_pipes, pages_in_pipes};

#[test]
fn reports_under_load_lose_no_page_and_count_none_twice() {
    let test = "reports_under_load_lose_no_page_and_count_none_twice";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let service = service(&["--no-holders"]);
    let _leak = hold_500_pipes();
    let options = [
        "--pipe",
        "2",
        "--sockpair",
        "1",
        "--fork",
        "1",
        "--timeout",
        "120",
    ];
    let Some(_stress) = Stress::start(&options) else {
        return skip(test, "stress-ng is not installed");
    };
    for _ in 0..20 {
        let report = service.report(&[]);
        assert_eq!(pages_in_pipes(&report), 8000, "{:?}", report.losses);
        // Each page was looked at. Some frees the kernel keeps from programs; those are counted.
        let missed = report.losses.missed_frees_at_end_pages;
        assert!(missed.is_some(), "{:?}", report.losses);
    }
}

#[test]
fn many_who_ask_nothing_keep_nobody_from_asking() {
    let Some(_machine) = root_or_skip("many_who_ask_nothing_keep_nobody_from_asking") else {
        return;
    };
    let service = service(&["--no-holders"]);
    let connect = || UnixStream::connect(service.socket()).expect("it listens");
    let silent: Vec<_> = (0..100).map(|_| connect()).collect();
    // These ask, and do not read.
    let deaf: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = connect();
            stream
                .write_all(b"GET /report HTTP/1.1\r\nHost: x\r\n\r\n")
                .expect("it reads");
            stream
        })
        .collect();
    let (head, body) = service.get("/status");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(body.contains("\"pagetrace.status/1\""), "{body}");
    drop((silent, deaf));
    assert_eq!(service.report(&[]).schema, "pagetrace.report/2");
}

#[test]
fn what_is_no_question_is_refused() {
    let Some(_machine) = root_or_skip("what_is_no_question_is_refused") else {
        return;
    };
    let service = service(&["--no-holders"]);
    for (path, code) in [
        ("/", "404"),
        ("/report?since=x", "400"),
        ("/report?x=1", "400"),
    ] {
        let (head, body) = service.get(path);
        assert!(
            head.starts_with(&format!("HTTP/1.1 {code}")),
            "{path}: {head}"
        );
        assert!(!body.is_empty());
    }
    let mut stream = UnixStream::connect(service.socket()).expect("it listens");
    stream.write_all(&[0xff; 1 << 16]).ok();
    assert_eq!(service.report(&[]).schema, "pagetrace.report/2");
}

#[test]
fn the_socket_is_its_owners() {
    let Some(_machine) = root_or_skip("the_socket_is_its_owners") else {
        return;
    };
    let service = service(&["--no-holders"]);
    let metadata = std::fs::metadata(service.socket()).expect("it is there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[test]
fn metrics_are_scraped_from_outside_and_nothing_else_is() {
    let Some(_machine) = root_or_skip("metrics_are_scraped_from_outside_and_nothing_else_is")
    else {
        return;
    };
    // A port that is free now.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let address = address.expect("loopback").to_string();
    let service = service(&["--listen", &address]);
    let _leak = hold_500_pipes();
    let connect = || TcpStream::connect(&address).expect("it listens");
    // Until every page was looked at for the first time, what that takes is left out.
    let (head, body) = eventually("the first look to be over", || {
        let answer = http(connect(), "/metrics");
        answer
            .1
            .contains("pagetrace_look_duration_seconds ")
            .then_some(answer)
    });
    assert!(head.contains("application/openmetrics-text"), "{head}");
    assert!(body.ends_with("# EOF\n") && body.len() < 1 << 20, "{body}");
    for name in [
        "pagetrace_memory_unaccounted_bytes ",
        "pagetrace_memory_unexplained_bytes ",
        "pagetrace_site_inuse_bytes{site=\"other\"} ",
        "pagetrace_holder_bytes{kind=",
        "pagetrace_events_lost_total{reason=\"site_table_full\"} 0\n",
        "pagetrace_process_cpu_seconds_total ",
    ] {
        assert!(body.contains(name), "no {name} in {body}");
    }
    let (head, _) = http(connect(), "/report");
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    let (head, _) = service.get("/metrics");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}
