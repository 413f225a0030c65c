use jiff::Timestamp;

use super::*;
use crate::{
    model::{Feature, ListedBlock, PagesList, PagesSchema, Tool},
    render::sample,
};

fn row(page_use: PageUse, pages: u64, counters: &str, counted: Option<i64>) -> PageUseRow {
    PageUseRow {
        page_use,
        pages,
        bytes: pages * 4096,
        counters_bytes: counted,
        counters: counters.to_owned(),
    }
}

fn group(page_use: PageUse, owner: Option<&str>, order: u8, pages: u64) -> PageGroup {
    PageGroup {
        page_use,
        owner: owner.map(str::to_owned),
        order,
        node: 0,
        pages,
    }
}

fn report() -> PagesReport {
    PagesReport {
        schema: PagesSchema::V1,
        tool: Tool::own(),
        host: sample::host(),
        taken_at: Timestamp::UNIX_EPOCH,
        seconds: std::time::Duration::from_millis(330).into(),
        uses: vec![
            row(PageUse::Free, 5 << 20, "MemFree", Some(20 << 30)),
            row(PageUse::Plain, 1 << 16, "", None),
            row(PageUse::Slab, 1 << 15, "slabinfo", Some((1 << 27) + 4096)),
            row(PageUse::Absent, 1 << 10, "", None),
        ],
        groups: vec![
            group(PageUse::Slab, Some("dentry"), 0, 24 << 10),
            group(PageUse::Slab, Some("dentry"), 1, 4 << 10),
            group(PageUse::Slab, Some("evil\x1b[31m"), 0, 3 << 10),
            group(PageUse::Slab, None, 0, 1 << 10),
            group(PageUse::Plain, None, 3, 1 << 16),
        ],
        list: None,
        limitations: vec![Feature::SlabCaches.degraded("no right")],
    }
}

fn shown(by: PagesBy, top: usize, whole: bool) -> String {
    let mut text = Vec::new();
    pages(&report(), by, Extent { top, whole }, &mut text).expect("memory takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
}

#[test]
fn the_page_frames_of_one_use_are_listed() {
    let mut report = report();
    let block = |frame, owner: Option<&str>| ListedBlock {
        frame,
        pages: 8,
        references: 1,
        mappings: 0,
        owner: owner.map(str::to_owned),
    };
    report.list = Some(PagesList {
        page_use: PageUse::Charged,
        blocks: vec![
            block(0x1000, Some("/pod\x1b[31m")),
            block(0x1008, None),
            block(0x2000, None),
        ],
        left_out: 7,
    });
    let mut text = Vec::new();
    let extent = Extent {
        top: 2,
        whole: false,
    };
    pages(&report, PagesBy::Use, extent, &mut text).expect("memory takes everything");
    let text = anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string();
    insta::assert_snapshot!(text);
}

#[test]
fn uses_stand_beside_their_counters() {
    insta::assert_snapshot!(shown(PagesBy::Use, 18, false));
}

#[test]
fn owners_are_summed_over_orders() {
    insta::assert_snapshot!(shown(PagesBy::Cache, 18, false));
}

#[test]
fn what_is_left_out_is_counted_and_can_be_asked_for() {
    let some = shown(PagesBy::Use, 1, false);
    assert!(some.contains("2 more lines with --verbose"), "{some}");
    let all = shown(PagesBy::Use, 1, true);
    assert!(
        all.contains("no memory") && !all.contains("more line"),
        "{all}"
    );
    assert!(shown(PagesBy::Device, 1, true).contains("none with a device"));
}
