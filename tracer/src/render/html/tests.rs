use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::{
    analysis::{
        balance, curves,
        doctor::{
            sample::{MIB, incident},
            tests::case as case_of,
        },
        samples, summary,
    },
    model::{Case, KindChoice, Selection, Site, Threshold},
    render::sample::{report, selection},
};

fn with<T>(report: &Report, selection: &Selection, show: impl FnOnce(&Traced<'_>) -> T) -> T {
    let (summary, samples) = (summary(report, selection), samples(report, selection));
    show(&Traced {
        report,
        summary: &summary,
        samples: &samples,
        curves: &curves(report, &summary, ENTRIES),
    })
}

fn page_of(report: &Report) -> String {
    let mut bytes = Vec::new();
    with(report, &selection(), |traced| {
        html_report(traced, &mut bytes)
    })
    .expect("memory has room");
    String::from_utf8(bytes).expect("all names are UTF-8")
}

fn page_of_case(case: &Case) -> String {
    let mut bytes = Vec::new();
    let balance = balance(&case.evidence.after.memory, Threshold::Usual).expect("it has one");
    let write = |traced: Option<&Traced<'_>>, bytes: &mut Vec<u8>| {
        html_case(case, Some(&balance), traced, bytes)
    };
    match &case.evidence.trace {
        Some(trace) => with(trace, &selection(), |traced| {
            write(Some(traced), &mut bytes)
        }),
        None => write(None, &mut bytes),
    }
    .expect("memory has room");
    String::from_utf8(bytes).expect("all names are UTF-8")
}

#[test]
fn what_was_found_comes_first() {
    let page = page_of(&report());
    let (_, body) = page.split_once("<h1>").expect("a heading");
    let answer = "32.54 MiB kept that no counter shows: 8,331 pages by 3 functions";
    assert!(body.starts_with(answer), "{body:.200}");
    for part in [
        "500 pipes, leak (pid 4242, fd 3-1002)",
        "nobody that was found",
        "Lost or not seen, in 140,000 events",
        "missed frees found at reuse",
        "class=\"curve\"",
        "data-n=\"rx_page [virtio_net]\"",
        "<option value=\"virtio_net\">",
        "Shmem",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
}

#[test]
fn a_case_has_its_findings_and_its_balance() {
    let page = page_of_case(&case_of(incident(600 * MIB)));
    let (_, body) = page.split_once("<h1>").expect("a heading");
    assert!(body.starts_with("Memory is lost: "), "{body:.200}");
    for part in [
        "class=\"finding\"",
        "kill 3218",
        "MemTotal - all above",
        "unaccounted",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
}

/// The only script may run, and nothing else; there is nothing to fetch.
#[test]
fn the_policy_allows_this_script_and_no_other() {
    let hash = BASE64_STANDARD.encode(Sha256::digest(SCRIPT));
    assert!(
        POLICY.contains(&format!("script-src 'sha256-{hash}'")),
        "it is {hash} now"
    );
    let page = page_of(&report());
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains(&format!("<script>{SCRIPT}</script>")));
    for fetched in ["src=", "href=", "url(", "@import", "<link", "<iframe"] {
        assert!(!page.contains(fetched), "{fetched}");
    }
    let address = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert!(!address.contains("://"), "an address of the network");
    for text in [PAGE_STYLE, STYLE] {
        assert!(!text.contains('<'), "a style sheet that ends early");
    }
}

#[test]
fn no_name_gets_out_of_its_place() {
    const EVIL: &str =
        "</script><script>alert(1)</script></style><img src=x onerror=\"alert(2)\" '\u{202e}\u{1b}";
    let evil = || EVIL.to_owned();
    let mut report = report();
    report.host.kernel = evil();
    report.tool.name = evil();
    report.window.filters = vec![evil()];
    report.limitations = vec![crate::model::Feature::PageHolders.degraded(EVIL)];
    for frame in &mut report.frames {
        (frame.symbol, frame.module, frame.file) = (Some(evil()), Some(evil()), Some(evil()));
    }
    for site in &mut report.sites {
        site.first_seen.iter_mut().for_each(|it| it.name = evil());
        site.held_by.iter_mut().for_each(|it| it.holder = evil());
    }
    let meminfo = report.meminfo.as_mut().expect("it was read");
    for (moment, bytes) in [(&mut meminfo.started, 1), (&mut meminfo.ended, 2)] {
        moment.insert(evil(), bytes);
    }
    let mut case = case_of(incident(600 * MIB));
    case.host.kernel = evil();
    case.evidence.trace = Some(report.clone());
    for finding in &mut case.findings {
        finding
            .remedies
            .iter_mut()
            .for_each(|it| it.command = evil());
        if let crate::model::Cause::Held(held) = &mut finding.cause {
            held.name = evil();
        }
    }
    for page in [page_of(&report), page_of_case(&case)] {
        assert!(page.contains("alert(1)"));
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        assert_eq!(page.matches("<img").count(), 0);
        assert_eq!(page.matches("onerror=\"").count(), 0);
        assert_eq!(page.matches("</style>").count(), 1);
        assert!(!page.contains(['\u{202e}', '\u{1b}']));
    }
}

#[test]
fn a_report_of_very_many_sites_is_a_page_of_some() {
    let mut report = report();
    let first = report.sites[0].clone();
    report.frames.clear();
    report.sites.clear();
    for index in 0..3000 {
        for depth in 0..3 {
            report.frames.push(crate::model::Frame {
                symbol: Some(format!("function_{index}_{depth}")),
                address: index * 16 + depth,
                ..crate::model::Frame::default()
            });
        }
        let frame = index as u32 * 3;
        report.sites.push(Site {
            stack: vec![frame, frame + 1, frame + 2],
            owner_frame: Some(frame),
            ..first.clone()
        });
    }
    let page = page_of(&report);
    assert!(page.len() < 3 << 20, "{}", page.len());
    assert_eq!(page.matches("class=\"ranking\"").count(), 1);
    assert_eq!(page.matches("<details").count(), ENTRIES);
    assert!(
        page.contains("in 2,900 functions more, left out of this page"),
        "{page}"
    );
    assert!(page.contains("are drawn as \u{201c}smaller\u{201d} beside their neighbours"));
}

#[test]
fn nothing_kept_is_a_page_as_well() {
    let mut empty = report();
    empty.sites.clear();
    let page = page_of(&empty);
    assert!(page.contains("was kept"), "{page}");
    assert!(!page.contains("<svg"));
}

#[test]
fn every_kind_can_be_chosen() {
    let everything = Selection {
        kinds: KindChoice::kinds(&[KindChoice::All]),
        ..selection()
    };
    let graph = with(&report(), &everything, flame_graph::flame_graph).into_string();
    for kind in ["raw", "slab", "file"] {
        let checkbox = format!("data-control=\"kind\" value=\"{kind}\" checked");
        assert!(graph.contains(&checkbox), "{graph}");
    }
    assert!(graph.contains("data-columns=\"raw,slab,file\""), "{graph}");
}
