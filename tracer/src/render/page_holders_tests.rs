use jiff::Timestamp;

use super::*;
use crate::{
    model::{
        CgroupPages, ContentPages, Feature, HeldAccount, HoldersBaseline, HoldersBy, HoldersSchema,
        HoldersTotals, PageUse, Referrer, SymbolPointers, Tool,
    },
    render::sample,
};

const MIB: u64 = 1 << 20;

fn group(name: &str, pinned: u64, frees: u64, found: u64, counted: u64) -> HolderGroup {
    HolderGroup {
        name: name.to_owned(),
        objects: 1,
        account: HeldAccount {
            pinned_bytes: pinned,
            payload_bytes: pinned / 30,
            references_found: found,
            references_counted: counted,
            frees_bytes: frees,
            unconfirmed: 0,
        },
        ..HolderGroup::default()
    }
}

fn report() -> HoldersReport {
    let mut zebra = HolderGroup {
        state: Some('T'),
        ..group(
            "raw6 [::]:58, zebra (pid 3218, fd 9)",
            2600 * MIB,
            2600 * MIB,
            83_200,
            83_200,
        )
    };
    zebra.account.unconfirmed = 3;
    let pipes = HolderGroup {
        objects: 500,
        ..group(
            "500 pipes, evil\x1b[31m (pid 7, fd 3-1002)",
            32 * MIB,
            30 * MIB,
            8191,
            8192,
        )
    };
    let pool = group("tcp 10.0.0.1:80, nginx (pid 8, fd 4)", 8 * MIB, 0, 256, 0);
    HoldersReport {
        schema: HoldersSchema::V1,
        tool: Tool::own(),
        host: sample::host(),
        taken_at: Timestamp::UNIX_EPOCH,
        seconds: std::time::Duration::from_millis(450).into(),
        totals: HoldersTotals {
            unexplained_bytes: 2660 * MIB,
            held_bytes: 2640 * MIB,
            unheld_bytes: 20 * MIB,
            per_cpu_bytes: Some(3 * MIB),
        },
        baseline: None,
        by: HoldersBy::Holder,
        groups: vec![zebra, pipes, pool],
        holders: Vec::new(),
        cgroups: vec![CgroupPages {
            cgroup: Some("/kubepods/pod1".to_owned()),
            pod: Some("1".to_owned()),
            charged_bytes: 2 * MIB,
            held_uncharged_bytes: 2600 * MIB,
        }],
        unheld: [(PageUse::Plain, 18 * MIB), (PageUse::Charged, 2 * MIB)].into(),
        explanation: None,
        losses: HoldersLosses {
            raced_queues: 2,
            unconfirmed_references: 3,
            ..HoldersLosses::default()
        },
        limitations: vec![Feature::PageHolders.degraded("perf rings are not followed: no member")],
    }
}

fn shown(report: &HoldersReport, top: usize) -> String {
    let mut text = Vec::new();
    let extent = Extent { top, whole: false };
    holders(report, extent, &mut text).expect("memory takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
}

#[test]
fn the_largest_holder_comes_first_with_what_closing_it_frees() {
    insta::assert_snapshot!(shown(&report(), 7));
}

#[test]
fn what_is_not_shown_is_counted() {
    let text = shown(&report(), 1);
    assert!(
        text.contains("40.00 MiB               2 more holders with --verbose"),
        "{text}"
    );
}

#[test]
fn growth_since_a_baseline_comes_first() {
    let mut report = report();
    report.baseline = Some(HoldersBaseline {
        taken_at: Timestamp::UNIX_EPOCH,
        unheld_growth_bytes: 4096,
    });
    for (group, growth) in report.groups.iter_mut().zip([64 << 20, 0, -4096]) {
        group.growth_bytes = Some(growth);
    }
    insta::assert_snapshot!(shown(&report, 7));
}

#[test]
fn a_machine_without_holders_says_so() {
    let mut report = report();
    report.groups.clear();
    assert!(shown(&report, 7).starts_with("2.60 GiB are in no counter of their own; nothing"));
}

fn explanation(pointers: Option<PointersToImage>) -> Explanation {
    let contents = [
        (ContentClass::Zero, 4000),
        (ContentClass::Pointers, 1000),
        (ContentClass::Text, 120),
    ];
    Explanation {
        pages: 5120,
        referrers: vec![Referrer {
            kind: ReferrerKind::SlabCache,
            name: Some("dentry".to_owned()),
            known: Some("directory entries".to_owned()),
            pages: 560,
        }],
        compared_bytes: 700 * MIB,
        contents: contents
            .map(|(class, pages)| ContentPages { class, pages })
            .into(),
        pointers,
    }
}

/// The line about pointers.
fn pointers_shown(pointers: Option<PointersToImage>) -> String {
    let mut report = report();
    report.explanation = Some(explanation(pointers));
    let text = shown(&report, 7);
    let line = text.lines().find(|it| it.starts_with("Pointers"));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn pointers_are_named_by_what_they_lead_to() {
    let symbols = [
        ("ext4_file_operations", Some("ext4"), 1040),
        ("tcp_v4_rcv", None, 12),
        ("evil\x1b[31m", None, 3),
        ("d", None, 2),
        ("e", None, 1),
        ("f", None, 1),
    ];
    let symbols = symbols.map(|(symbol, module, pointers)| SymbolPointers {
        symbol: symbol.to_owned(),
        module: module.map(str::to_owned),
        pointers,
    });
    let pointers = PointersToImage {
        symbols: symbols.into(),
        unnamed: 7,
    };
    insta::assert_snapshot!(
        pointers_shown(Some(pointers)),
        @r"Pointers to kernel text and data: 1,040 to ext4_file_operations [ext4], 12 to tcp_v4_rcv, 3 to evil\u{1b}[31m, 2 to d, 2 to other symbols, 7 to what has no name"
    );
}

#[test]
fn referrers_are_named_with_their_known_owner() {
    let mut report = report();
    report.explanation = Some(explanation(None));
    let text = shown(&report, 7);
    let line = "\n         560  slab cache dentry (directory entries)\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn hidden_symbols_are_said_to_be() {
    insta::assert_snapshot!(
        pointers_shown(None),
        @"Pointers to kernel text and data: not named, as the kernel hides its addresses"
    );
    let none = PointersToImage::default();
    insta::assert_snapshot!(pointers_shown(Some(none)), @"Pointers to kernel text and data: none");
}
