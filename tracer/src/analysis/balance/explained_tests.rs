use super::*;
use crate::{
    analysis::balance,
    model::{MemoryCounters, Threshold},
};

const MIB: u64 = 1 << 20;

/// 100 MiB are unaccounted of 1000.
fn unexplained(threshold: Threshold) -> Balance {
    let lines = [("MemTotal", 1000), ("MemFree", 900)];
    let lines = lines.map(|(name, mib)| (name.to_owned(), mib * MIB));
    let counters = MemoryCounters {
        page_size: 4096,
        meminfo: lines.into(),
        ..MemoryCounters::default()
    };
    balance(&counters, threshold).expect("both lines are there")
}

fn holder(kind: HolderKind, certainty: Certainty, mib: u64) -> KnownHolder {
    let name = |_: &()| "tcpdump (pid 4711)".to_owned();
    KnownHolder::of(kind, certainty, "source", [(mib * MIB, ())], name).expect("some memory")
}

fn rings(mib: u64) -> KnownHolder {
    holder(HolderKind::PacketRings, Certainty::Exact, mib)
}

fn parts(balance: &Balance) -> Vec<(&str, i64)> {
    let lines = balance.tree.parts.last().into_iter();
    let parts = lines.flat_map(|line| &line.parts);
    parts
        .map(|part| (part.name.as_str(), part.bytes >> 20))
        .collect()
}

#[test]
fn what_is_exact_is_taken_off_and_the_rest_is_unexplained() {
    let mut balance = unexplained(Threshold::Usual);
    let holders = [
        holder(HolderKind::PerfRings, Certainty::Exact, 10),
        rings(64),
        holder(HolderKind::Sockets, Certainty::AtMost, 500),
        holder(HolderKind::Zram, Certainty::Counted, 500),
    ];
    explain(&mut balance, &holders, &[]);
    let expected = [
        ("AF_PACKET rings", 64),
        ("perf rings", 10),
        ("unexplained", 26),
    ];
    assert_eq!(parts(&balance), expected);
    assert_eq!(balance.unexplained_bytes, 26 << 20);
    assert_eq!(balance.unaccounted_bytes, 100 << 20);
    let unexplained = balance.limitations.iter();
    assert!(
        unexplained
            .clone()
            .all(|it| it.feature != Feature::KnownHolders)
    );
}

#[test]
fn without_an_exact_holder_all_is_unexplained() {
    let mut balance = unexplained(Threshold::Usual);
    let before = balance.clone();
    explain(
        &mut balance,
        &[holder(HolderKind::Sockets, Certainty::AtMost, 50)],
        &[],
    );
    assert_eq!(balance, before);
    assert_eq!(balance.unexplained_bytes, 100 << 20);
}

#[test]
fn more_than_there_can_be_is_said() {
    let mut balance = unexplained(Threshold::Usual);
    explain(&mut balance, &[rings(130)], &[]);
    assert_eq!(
        parts(&balance),
        [("AF_PACKET rings", 130), ("unexplained", -30)]
    );
    let limitation = balance.limitations.last().expect("one");
    assert_eq!(limitation.feature, Feature::KnownHolders);
    let mut all = rings(1);
    all.bytes = u64::MAX;
    explain(&mut balance, &[all.clone(), all], &[]);
    assert!(balance.unexplained_bytes < 0);
}

#[test]
fn blocks_of_vmalloc_are_counted_there() {
    let mut balance = unexplained(Threshold::Usual);
    let caller = VmallocCaller {
        function: "packet_set_ring".to_owned(),
        bytes: 4 * MIB,
        ..VmallocCaller::default()
    };
    explain(&mut balance, &[rings(64)], &[caller]);
    assert_eq!(
        parts(&balance),
        [("AF_PACKET rings", 60), ("unexplained", 40)]
    );
}

#[test]
fn the_holder_of_most_of_it_is_what_to_look_at() {
    let mut balance = unexplained(Threshold::Bytes(1));
    explain(&mut balance, &[rings(20)], &[]);
    let next = |balance: &Balance| balance.verdict.culprit.as_ref().expect("one").next.clone();
    assert!(
        next(&balance).starts_with("pagetrace"),
        "{}",
        next(&balance)
    );
    explain(&mut balance, &[rings(64)], &[]);
    assert_eq!(next(&balance), "its AF_PACKET rings: tcpdump (pid 4711)");
}
