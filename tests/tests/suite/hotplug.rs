//! A CPU that goes away and comes back in the window.

use std::{env, fs, io, path::Path};

use pagetrace_tests::harness::{Service, Tracing, root_or_skip, skip};

use crate::{hold_500_pipes, pages_in_pipes};

const ONLINE: &str = "/sys/devices/system/cpu/cpu1/online";

/// The second CPU, unplugged. Dropping it plugs it in again.
struct Unplugged;

impl Unplugged {
    fn unplug() -> io::Result<Self> {
        fs::write(ONLINE, "0")?;
        Ok(Self)
    }
}

impl Drop for Unplugged {
    fn drop(&mut self) {
        fs::write(ONLINE, "1").expect("a CPU that was there comes back");
    }
}

/// Whether parts of this machine may be plugged in and out.
pub(super) fn is_allowed() -> bool {
    env::var_os("PAGETRACE_TEST_HOTPLUG").is_some_and(|it| it == "1")
}

/// Why no CPU can be unplugged, if none can.
fn obstacle() -> Option<&'static str> {
    if !is_allowed() {
        return Some("unplugs a CPU, which PAGETRACE_TEST_HOTPLUG=1 allows");
    }
    (!Path::new(ONLINE).exists()).then_some("there is no second CPU that can be unplugged")
}

#[test]
fn a_cpu_that_comes_and_goes_loses_nothing() {
    let test = "a_cpu_that_comes_and_goes_loses_nothing";
    if let Some(reason) = obstacle() {
        return skip(test, reason);
    }
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    for hook in ["raw", "classic"] {
        let trace = Tracing::attach(&["--hook", hook]);
        let _before = hold_500_pipes();
        let unplugged = Unplugged::unplug().expect("root may unplug a CPU");
        let _without = hold_500_pipes();
        drop(unplugged);
        let _after = hold_500_pipes();
        assert_eq!(pages_in_pipes(&trace.end().report), 3 * 8000, "{hook}");
    }
}

#[test]
fn what_was_counted_on_a_cpu_that_is_gone_still_counts() {
    let test = "what_was_counted_on_a_cpu_that_is_gone_still_counts";
    if let Some(reason) = obstacle() {
        return skip(test, reason);
    }
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let _before = hold_500_pipes();
    let _unplugged = Unplugged::unplug().expect("root may unplug a CPU");
    assert_eq!(pages_in_pipes(&trace.end().report), 8000);
}

#[test]
fn a_service_goes_on_while_cpus_come_and_go() {
    let test = "a_service_goes_on_while_cpus_come_and_go";
    if let Some(reason) = obstacle() {
        return skip(test, reason);
    }
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let service = Service::start(&["--every", "3600"]);
    let _before = hold_500_pipes();
    let unplugged = Unplugged::unplug().expect("root may unplug a CPU");
    assert_eq!(pages_in_pipes(&service.report(&[])), 8000);
    let _without = hold_500_pipes();
    assert_eq!(pages_in_pipes(&service.report(&[])), 2 * 8000);
    drop(unplugged);
    let _after = hold_500_pipes();
    assert_eq!(pages_in_pipes(&service.report(&[])), 3 * 8000);
}
