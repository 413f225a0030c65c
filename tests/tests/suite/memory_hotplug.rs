//! Memory that is plugged in, under a trace and before one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pagetrace_tests::harness::{Leaker, Tracing, root_or_skip, skip};

use crate::{LEAK, hotplug::is_allowed, populated};

/// What the kernel calls its blocks of memory.
const BLOCKS: &str = "/sys/devices/system/memory";

/// A block of memory that was there and not in use, plugged in for the user's memory only, which is
/// taken from there first. Dropping it takes it out again.
struct PluggedIn(PathBuf);

impl PluggedIn {
    fn plug_in(block: &Path) -> io::Result<Self> {
        let state = block.join("state");
        fs::write(&state, "online_movable")?;
        Ok(Self(state))
    }
}

impl Drop for PluggedIn {
    fn drop(&mut self) {
        fs::write(&self.0, "offline").expect("what user memory is on can be moved or is free");
    }
}

/// A block that is not in use, as in the emulated x86 machines of `cargo xtask vm`, or why there is none.
fn spare_block() -> Result<PathBuf, &'static str> {
    // Elsewhere somebody may have taken it out of use with reason.
    if !is_allowed() {
        return Err("plugs in memory, which PAGETRACE_TEST_HOTPLUG=1 allows");
    }
    let blocks = fs::read_dir(BLOCKS).into_iter().flatten().flatten();
    let mut blocks = blocks.map(|entry| entry.path());
    let is_spare = |state: String| state == "offline\n";
    let spare = blocks.find(|it| fs::read_to_string(it.join("state")).is_ok_and(is_spare));
    spare.ok_or("there is no memory that can be plugged in")
}

fn hold_64_mib() -> Leaker {
    Leaker::start(LEAK, &["anon", "--mib", "64"])
}

#[test]
fn memory_added_after_the_start_is_a_loss_that_names_its_remedy() {
    let test = "memory_added_after_the_start_is_a_loss_that_names_its_remedy";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let block = match spare_block() {
        Ok(block) => block,
        Err(reason) => return skip(test, reason),
    };
    let trace = Tracing::attach(&["--scope", "all"]);
    let _plugged = PluggedIn::plug_in(&block).expect("root may plug in memory");
    let leak = hold_64_mib();
    let outputs = trace.end();
    let lost = outputs.report.losses.out_of_range;
    let pages = leak.announcement.pages;
    assert!(lost >= pages, "{lost} of {pages} pages: {}", outputs.table);
    let doubt = outputs.table.lines().next().expect("a line");
    let remedy = ", to memory added after the start: start again";
    assert!(doubt.ends_with(remedy), "{doubt}");
}

#[test]
fn memory_added_before_the_start_is_traced() {
    let test = "memory_added_before_the_start_is_traced";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let block = match spare_block() {
        Ok(block) => block,
        Err(reason) => return skip(test, reason),
    };
    let _plugged = PluggedIn::plug_in(&block).expect("root may plug in memory");
    let trace = Tracing::attach(&["--scope", "all"]);
    let leak = hold_64_mib();
    let report = trace.end().report;
    assert_eq!(report.losses.out_of_range, 0);
    let pages = leak.announcement.pages;
    let found = populated(&report);
    assert!(found >= pages, "{found} of {pages} pages");
}
