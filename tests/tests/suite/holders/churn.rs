//! A known holder beside pages that come and go.

use std::process::{Child, Command, Stdio};

use pagetrace_tests::harness::{Leaker, is_emulated, note, root_or_skip};

use super::{Account, PAGE, Report};
use crate::LEAK;

/// Pages that come and go on all CPUs, until it is dropped.
struct Churn(Child);

impl Churn {
    fn start() -> Self {
        const LONGER_THAN_ANY_TEST: &str = "86400";
        let mut churn = Command::new(LEAK);
        let churn = churn.args(["churn", "--seconds", LONGER_THAN_ANY_TEST]);
        let child = churn.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Self(child.expect("the helper program starts"))
    }
}

impl Drop for Churn {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn no_walk_beside_churn_names_a_wrong_holder() {
    let Some(_machine) = root_or_skip("no_walk_beside_churn_names_a_wrong_holder") else {
        return;
    };
    let leak = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    let mut churn = Churn::start();
    for _ in 0..if is_emulated() { 5 } else { 30 } {
        let report = Report::now();
        let pipes = report.of(leak.pid());
        assert_eq!(pipes.len(), 500, "{pipes:#?}");
        // That to close it frees all says that no other was found to hold any of it.
        let alone = Account {
            pinned_bytes: 16 * PAGE,
            payload_bytes: 16 * PAGE,
            references_found: 16,
            references_counted: 16,
            frees_bytes: 16 * PAGE,
        };
        for pipe in pipes {
            assert_eq!(pipe.kind, "pipe");
            assert_eq!(pipe.account, alone, "{pipe:#?}");
        }
        note(&format!("beside churn: {}", report.losses));
    }
    let ended = churn.0.try_wait().expect("our child");
    assert!(ended.is_none(), "there was churn all the time: {ended:?}");
}
