//! `pagetrace holders --watch`: what grows while it looks again and again.

use std::os::unix::process::ExitStatusExt as _;

use pagetrace_tests::harness::{Leaker, Pagetrace, eventually, root_or_skip};
use rustix::process::Signal;

use crate::LEAK;

#[test]
fn a_leak_that_begins_while_it_watches_is_named() {
    let test = "a_leak_that_begins_while_it_watches_is_named";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let watching = Pagetrace::new(&["holders", "--watch", "1"]).spawn();
    // What is measured against was looked at before the first page.
    eventually("the first page", || {
        watching.stdout().contains("; looked at in ").then_some(())
    });
    assert!(
        !watching.stdout().contains("leak (pid "),
        "nobody leaks yet"
    );
    let leak = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    let name = format!("500 pipes, leak (pid {}, fd ", leak.pid());
    let sentence = eventually("the growth to be named", || {
        let pages = watching.stdout();
        let mut sentences = pages.lines().filter(|line| line.contains("grew most"));
        sentences.find(|it| it.contains(&name)).map(str::to_owned)
    });
    assert!(
        sentence.contains(" grew most, by 31.25 MiB since "),
        "{sentence}"
    );
    watching.signal(Signal::INT);
    let finished = watching.finish();
    // Whoever started it learns that it was Ctrl-C.
    let ended_by = finished.status.signal();
    assert_eq!(ended_by, Some(Signal::INT.as_raw()), "{finished:#?}");
    assert_eq!(finished.stderr, "");
}
