use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
};

use flate2::read::GzDecoder;

use super::*;
use crate::{
    analysis::{samples, summary},
    model::{ControlGroup, KindChoice, Losses, Selection},
    render::sample::{losses, report, selection},
};

/// What is written of a report, read back.
fn written(report: &Report, selection: &Selection) -> Profile {
    let mut bytes = Vec::new();
    pprof(report, &samples(report, selection), &mut bytes).expect("memory takes everything");
    let mut plain = Vec::new();
    let mut gzip = GzDecoder::new(&bytes[..]);
    gzip.read_to_end(&mut plain).expect("it is gzip");
    Profile::decode(&plain[..]).expect("it is a profile")
}

fn everything() -> Selection {
    Selection {
        kinds: KindChoice::kinds(&[KindChoice::All]),
        ..selection()
    }
}

fn text(profile: &Profile, index: i64) -> &str {
    &profile.string_table[index as usize]
}

/// The functions of a sample, innermost first.
fn functions<'a>(profile: &'a Profile, sample: &Sample) -> Vec<&'a str> {
    let places = sample.location_id.iter();
    let lines = places.flat_map(|id| &profile.location[*id as usize - 1].line);
    let functions = lines.map(|line| &profile.function[line.function_id as usize - 1]);
    functions.map(|it| text(profile, it.name)).collect()
}

fn labels<'a>(profile: &'a Profile, sample: &Sample) -> BTreeMap<&'a str, &'a str> {
    let labels = sample.label.iter();
    labels
        .map(|it| (text(profile, it.key), text(profile, it.str)))
        .collect()
}

#[test]
fn samples_add_up_to_what_is_ranked() {
    for selection in [selection(), everything()] {
        let report = report();
        let profile = written(&report, &selection);
        let totals = summary(&report, &selection).totals;
        let sum = |column: usize| -> i64 { profile.sample.iter().map(|it| it.value[column]).sum() };
        assert_eq!(sum(0) as u64, totals.ranked_pages);
        assert_eq!(sum(1) as u64, totals.ranked_bytes);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let profile = written(&report(), &everything());
    assert_eq!(text(&profile, 0), "");
    for (index, mapping) in profile.mapping.iter().enumerate() {
        assert_eq!(mapping.id, index as u64 + 1);
        assert!(mapping.memory_start < mapping.memory_limit, "{mapping:?}");
    }
    for (index, location) in profile.location.iter().enumerate() {
        assert_eq!(location.id, index as u64 + 1);
        let Some(mapping) = location.mapping_id.checked_sub(1) else {
            continue;
        };
        let mapping = &profile.mapping[mapping as usize];
        let range = mapping.memory_start..mapping.memory_limit;
        assert!(range.contains(&location.address), "{location:?}");
    }
    let names: BTreeSet<_> = profile
        .sample
        .iter()
        .flat_map(|it| functions(&profile, it))
        .collect();
    assert!(names.contains("anon_pipe_write") && names.contains("[site table full]"));
}

#[test]
fn inlined_functions_share_a_place() {
    let profile = written(&report(), &selection());
    let mut samples = profile.sample.iter();
    let driver = samples.find(|it| functions(&profile, it)[0] == "rx_page");
    let driver = driver.expect("it leaks");
    assert_eq!(
        functions(&profile, driver),
        ["rx_page", "receive_mergeable", "0xffffffffc0de0010"]
    );
    assert_eq!(driver.location_id.len(), 2);
    let place = &profile.location[driver.location_id[0] as usize - 1];
    let lines: Vec<_> = place.line.iter().map(|it| it.line).collect();
    assert_eq!(lines, [77, 1200]);
    let mapping = &profile.mapping[place.mapping_id as usize - 1];
    assert_eq!(text(&profile, mapping.filename), "[virtio_net]");
    assert_eq!(text(&profile, mapping.build_id), "feed");
    assert_eq!(mapping.memory_start, 0xffff_ffff_c000_0000);
    assert!(mapping.has_inline_frames && mapping.has_line_numbers && mapping.has_filenames);
}

#[test]
fn samples_say_what_they_are() {
    let mut report = report();
    report.sites[0].cgroup = Some(ControlGroup {
        id: 7,
        path: Some("/pod\u{1b}".to_owned()),
    });
    let profile = written(&report, &selection());
    let held = &profile.sample[0];
    let expected = [
        ("cgroup", r"/pod\u{1b}"),
        ("context", "task"),
        ("gfp", "GFP_KERNEL|__GFP_ACCOUNT"),
        ("holder", "500 pipes, leak (pid 4242, fd 3-1002)"),
        ("kind", "raw"),
        ("order", "0"),
    ];
    assert_eq!(labels(&profile, held), expected.into());
    assert_eq!(held.value, [7999, 7999 * 4096]);
    // One page of 8,000 has no holder.
    let rest = &profile.sample[1];
    assert_eq!(rest.value[0], 1);
    assert!(!labels(&profile, rest).contains_key("holder"));
    let is_large = |it: &Sample| labels(&profile, it)["order"] == "3";
    assert!(profile.sample.iter().any(is_large));
}

#[test]
fn what_was_lost_is_in_the_comments() {
    let mut report = report();
    report.losses = Losses {
        failed_unwinds: 12,
        ..losses()
    };
    let profile = written(&report, &selection());
    let comments: Vec<_> = profile
        .comment
        .iter()
        .map(|it| text(&profile, *it))
        .collect();
    assert!(
        comments.contains(&"failed unwinds: 12, allocations without a stack"),
        "{comments:?}"
    );
    assert!(
        comments.iter().any(|it| it.starts_with("Linux 6.18.44")),
        "{comments:?}"
    );
    assert_eq!(profile.time_nanos, 1_795_000_000_000_000_000);
    assert_eq!(profile.duration_nanos, 60_000_000_000);
    let kinds = profile.sample_type.iter();
    let kinds: Vec<_> = kinds
        .map(|it| (text(&profile, it.r#type), text(&profile, it.unit)))
        .collect();
    assert_eq!(kinds, [("inuse_pages", "count"), ("inuse_space", "bytes")]);
}

#[test]
fn a_report_that_says_little_is_a_profile() {
    let mut report = report();
    report.images.clear();
    report.gfp_flags.clear();
    report
        .frames
        .iter_mut()
        .for_each(|it| it.address = u64::MAX);
    for site in &mut report.sites {
        site.stack.push(9999);
    }
    let profile = written(&report, &everything());
    assert!(profile.mapping.iter().all(|it| it.build_id == 0));
    let labels = labels(&profile, &profile.sample[0]);
    assert_eq!(labels["gfp"], "0x400cc0");
}
