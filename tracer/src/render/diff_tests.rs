use super::*;
use crate::{
    analysis,
    render::sample::{report, selection},
};

fn shown(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut text = Vec::new();
    write(&mut text).expect("memory takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
}

/// The sample's trace, and one in which its largest site kept no more than a page.
fn two_traces() -> TraceDiff {
    let before = report();
    let mut after = report();
    after.host.kernel = "6.19.0".to_owned();
    let largest = after.sites.first_mut().expect("the sample has sites");
    largest.unfreed.truncate(1);
    largest.unfreed[0].by_epoch = vec![(0, 1)];
    let [first, second] = [&before, &after].map(|it| analysis::summary(it, &selection()));
    analysis::traces((&before, &first), (&after, &second))
}

#[test]
fn what_differs_between_traces_comes_first() {
    insta::assert_snapshot!(shown(|out| trace_diff(&two_traces(), 10, out)));
}

#[test]
fn folded_stacks_have_the_bytes_of_both() {
    insta::assert_snapshot!(shown(|out| folded_diff(&two_traces(), out)));
}

#[test]
fn the_group_that_differs_most_is_named() {
    let group = |name: &str, before, after| Growth {
        name: name.to_owned(),
        field: String::new(),
        before_bytes: Some(before),
        after_bytes: Some(after),
    };
    let lines = [
        group("free", 9 << 30, 1 << 30),
        group("user", 1897 << 20, 2187 << 20),
        group("unaccounted", 3 << 20, 2 << 20),
    ];
    assert_eq!(
        groups(&lines),
        "user differs most: +290.00 MiB, 1.85 GiB and 2.14 GiB; unaccounted -1.00 MiB"
    );
    assert_eq!(groups(&lines[..1]), "No kind of memory differs");
}
