//! What a holder is called that is a device's or a map, and that no descriptor refers to.

use pagetrace_tests::{
    harness::{Kernel, Leaker, Pagetrace, root_or_skip, skip},
    leaks::HeldKind,
};

use super::{
    Report,
    kinds::{PACKET, POSITIONS},
    page,
};
use crate::LEAK;

/// Why what waits in tap devices cannot be found here: none can be opened, or it is said that their
/// queues are not followed, as on a kernel whose driver is a module and which describes none.
pub(super) fn tap_refusal() -> Option<String> {
    const DESCRIBES_MODULES: Kernel = Kernel {
        major: 5,
        minor: 11,
    };
    HeldKind::Tap.refusal().or_else(|| {
        let mut reasons = Report::now().limitations.into_iter().map(|it| it.reason);
        let said = reasons.find(|it| it.starts_with("queues of tun and tap devices"));
        said.filter(|_| Kernel::running() < DESCRIBES_MODULES)
    })
}

#[test]
fn a_queue_is_called_by_its_tap_device() {
    const TEST: &str = "a_queue_is_called_by_its_tap_device";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    if let Some(reason) = tap_refusal() {
        skip(TEST, &reason);
        return;
    }
    let leak = Leaker::start(LEAK, &["held", "tap", "--count", "400"]);
    let report = Report::by("device");
    let group = report.group("tap0").account;
    assert_eq!(group.pinned_bytes, 400 * PACKET, "{group:?}");
    let holders = report.of(leak.pid());
    let [queue] = holders[..] else {
        panic!("{holders:#?}");
    };
    assert_eq!(queue.object, "tun/tap queue tap0");
    assert!(queue.netns.is_some(), "{queue:#?}");
    let screen = Pagetrace::new(&["holders", "--verbose"]).run();
    let fd = queue.fd.expect("a descriptor");
    let line = format!("tun/tap queue tap0, leak (pid {}, fd {fd})", leak.pid());
    assert!(screen.stdout.contains(&line), "{screen:#?}");
}

#[test]
fn a_ring_buffer_that_a_program_has_is_promised_to_nobody() {
    const TEST: &str = "a_ring_buffer_that_a_program_has_is_promised_to_nobody";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    let pages = (1 << 13) + POSITIONS;
    let leak = ["bpf-ring", "--order", "13", "--without-descriptor"];
    let _leak = Leaker::start(LEAK, &leak);
    let report = Report::by("kind");
    let of_size = report.holders.iter();
    let of_size: Vec<_> = of_size
        .filter(|it| it.kind == "bpf-ring-buffer" && it.account.pinned_bytes == pages * page())
        .collect();
    let [ring] = of_size[..] else {
        panic!("{:#?}", report.holders);
    };
    assert_eq!((ring.pid, ring.holding.as_deref()), (None, Some("bpf")));
    assert_eq!(ring.account.frees_bytes, 0, "{ring:#?}");
    assert_eq!(ring.account.references_found, pages, "{ring:#?}");
}
