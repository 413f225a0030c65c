use super::*;
use crate::{
    analysis::{samples, summary, traces},
    model::{Frame, Kind, KindChoice, Selection},
    render::sample::{report, selection},
};

fn drawn(report: &Report, selection: &Selection) -> String {
    let mut bytes = Vec::new();
    let (summary, samples) = (summary(report, selection), samples(report, selection));
    svg(report, &summary, &samples, &mut bytes).expect("memory takes everything");
    String::from_utf8(bytes).expect("all names are UTF-8")
}

fn everything() -> Selection {
    Selection {
        kinds: KindChoice::kinds(&[KindChoice::All]),
        ..selection()
    }
}

/// The numbers of a node, one a column.
fn row(placed: &tree::Placed<'_>) -> u64 {
    placed.values.iter().sum()
}

#[test]
fn boxes_add_up_and_lie_within_their_callers() {
    let report = report();
    for selection in [selection(), everything()] {
        let samples = samples(&report, &selection);
        let tree = kept(&report, &samples);
        let nodes = tree.placed();
        let ranked = summary(&report, &selection).totals.ranked_bytes;
        assert_eq!(row(&nodes[0]), ranked);
        for (place, node) in nodes.iter().enumerate().skip(1) {
            assert!(node.parent < place);
            assert_eq!(nodes[node.parent].depth + 1, node.depth);
            let children = nodes.iter().skip(1).filter(|it| it.parent == place);
            assert!(children.map(row).sum::<u64>() <= row(node));
        }
    }
}

#[test]
fn what_has_no_room_is_one_box_and_still_adds_up() {
    let report = report();
    let samples = samples(&report, &everything());
    let whole = kept(&report, &samples);
    let (all, boxes) = (row(&whole.placed()[0]), whole.placed().len());
    let pruned = whole.pruned(4);
    let nodes = pruned.placed();
    assert_eq!(row(&nodes[0]), all);
    assert!(nodes.len() < boxes, "{}", nodes.len());
    let smaller: Vec<_> = nodes
        .iter()
        .filter(|it| it.name.text == "smaller")
        .collect();
    assert!(!smaller.is_empty());
    let left_out: u64 = smaller.iter().map(|it| row(it)).sum();
    assert_eq!(pruned.left_out.value, left_out);
    // Kept nodes but the root end within the pruned tree: leaves make up all of it.
    let is_leaf = |place: usize| !nodes.iter().skip(1).any(|it| it.parent == place);
    let leaves = (0..nodes.len()).filter(|&place| is_leaf(place));
    assert_eq!(leaves.map(|place| row(&nodes[place])).sum::<u64>(), all);
}

#[test]
fn a_picture_has_each_function_once_in_each_place() {
    let text = drawn(&report(), &selection());
    assert!(text.starts_with("<?xml"), "{text}");
    assert_eq!(
        text.matches("data-n=\"anon_pipe_write\"").count(),
        2,
        "{text}"
    );
    assert!(text.contains("rx_page [virtio_net]") && text.contains("data-m=\"virtio_net\""));
    assert!(text.contains("[site table full]"));
    assert!(text.contains("of pages taken and kept, by stack"));
}

#[test]
fn no_name_gets_out_of_its_place() {
    let evil = "</title><script>alert(1)</script>]]>\"' onload=\"x\u{1b}\u{fffe}";
    let mut report = report();
    for frame in &mut report.frames {
        *frame = Frame {
            symbol: Some(evil.to_owned()),
            module: Some(evil.to_owned()),
            ..frame.clone()
        };
    }
    report.host.kernel = evil.to_owned();
    let text = drawn(&report, &selection());
    assert_eq!(text.matches("<script>").count(), 1, "{text}");
    assert_eq!(text.matches("]]>").count(), 1);
    assert!(!text.contains("onload=\"") && text.contains("&lt;script&gt;"));
    let illegal = |c: char| (c.is_control() && c != '\n') || c == '\u{fffe}';
    assert!(!text.contains(illegal), "{text:?}");
}

#[test]
fn the_script_cannot_end_early() {
    assert!(
        !SCRIPT.contains("]]>") && !SCRIPT.contains("</"),
        "{SCRIPT}"
    );
}

#[test]
fn of_two_traces_the_change_is_the_colour() {
    let (before, mut after) = (report(), report());
    for unfreed in &mut after.sites[0].unfreed {
        unfreed.by_epoch[0].1 *= 3;
    }
    after.sites.retain(|it| it.unfreed[0].kind != Kind::Slab);
    after.sites.remove(1);
    let summaries = [&before, &after].map(|it| summary(it, &selection()));
    let diff = traces((&before, &summaries[0]), (&after, &summaries[1]));
    let mut bytes = Vec::new();
    svg_diff(&diff, &mut bytes).expect("memory takes everything");
    let text = String::from_utf8(bytes).expect("all names are UTF-8");
    assert!(text.contains("fill=\"hsl(4,85%,65%)\""), "{text}");
    assert!(text.contains("fill=\"hsl(215,"), "{text}");
    assert!(
        text.contains("800.00 KiB before are of stacks that kept nothing after"),
        "{text}"
    );
}

#[test]
fn nothing_is_a_picture_as_well() {
    let mut report = report();
    report.sites.clear();
    let text = drawn(&report, &selection());
    assert_eq!(text.matches("<rect").count(), 1, "{text}");
}
