use insta::assert_snapshot;

use super::*;
use crate::{
    analysis::{
        doctor::{
            sample::{MIB, evidence, full_cache, incident, kills, snapshot},
            tests::case as case_of,
        },
        verification as verified,
    },
    model::Case,
};

const EXTENT: Extent = Extent {
    top: 2,
    whole: false,
};

fn shown(case: &Case) -> String {
    shown_to(case, EXTENT)
}

fn shown_to(case: &Case, extent: Extent) -> String {
    let mut bytes = Vec::new();
    super::case(case, extent, &mut bytes).expect("a vector takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&bytes)).to_string()
}

#[test]
fn the_answer_comes_first_with_what_to_do() {
    let shown = shown(&case_of(incident(600 * MIB)));
    assert!(shown.lines().count() <= 24, "{shown}");
    assert_snapshot!("leak", shown);
}

#[test]
fn a_stopped_process_is_named_as_such() {
    let mut incident = incident(600 * MIB);
    let holders = incident.after.page_holders.as_mut().expect("some");
    holders.groups[0].state = Some('T');
    let shown = shown(&case_of(incident));
    let first = shown.lines().next().expect("an answer");
    assert!(
        first.contains("zebra (pid 3218, fd 9), stopped, holds 2.54 GiB"),
        "{shown}"
    );
}

#[test]
fn whom_the_kernel_kills_next_is_named() {
    assert_snapshot!("killed", shown(&case_of(kills())));
}

#[test]
fn a_full_cache_is_told_to_shrink_by_whoever_wishes() {
    let case = case_of(full_cache("/sys/fs/cgroup/b/memory.reclaim"));
    let whole = Extent {
        whole: true,
        ..EXTENT
    };
    assert_snapshot!("cache", shown_to(&case, whole));
}

#[test]
fn nothing_is_wrong() {
    assert_snapshot!(
        "nothing",
        shown(&case_of(evidence(snapshot(0), snapshot(MIB))))
    );
}

#[test]
fn one_line_is_for_monitoring() {
    let mut bytes = Vec::new();
    nagios(&case_of(incident(0)), &mut bytes).expect("a vector takes everything");
    assert_snapshot!("nagios", String::from_utf8_lossy(&bytes));
}

#[test]
fn what_came_back_is_said() {
    let now = snapshot(3 * MIB);
    let verification = verified(&case_of(incident(0)), &now).expect("it has a balance");
    let mut bytes = Vec::new();
    super::verification(&verification, &mut bytes).expect("a vector takes everything");
    let shown = anstream::adapter::strip_str(&String::from_utf8_lossy(&bytes)).to_string();
    assert_snapshot!("verified", shown);
}
