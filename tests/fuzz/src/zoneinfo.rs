//! Every zone lies in one span of all, and a node's frames lie in its zones.

use pagetrace::kernel::zoneinfo::{Zone, node_frames, spans, zones};

/// A zone before all others, and what the reader forgets it by.
const ZONE: &[u8] =
    b"Node 0, zone X\n        spanned  10\n  start_pfn:           5\n        spanned  0\n";

pub(crate) fn check(data: &[u8]) {
    let found = zones(data);
    let before = zones(&[ZONE, data].concat()[..]);
    match (found, before) {
        (Ok(found), Ok(before)) => {
            assert!(found.iter().all(|zone| zone.frames.end <= 1 << 55));
            assert_eq!(before.len(), found.len() + 1);
            check_spans(&found);
            check_nodes(&found);
        }
        (Ok(_), Err(error)) => panic!("zones, and with one more {error}"),
        (Err(_), Ok(before)) => assert_eq!(before.len(), 1),
        (Err(_), Err(_)) => {}
    }
}

fn check_spans(zones: &[Zone]) {
    for most in [1, 3] {
        let spans = spans(zones, 8, most);
        assert!(spans.len() <= most);
        assert!(spans.windows(2).all(|two| two[0].end < two[1].start));
        for Zone { frames, .. } in zones {
            let around =
                |span: &std::ops::Range<u64>| span.start <= frames.start && span.end >= frames.end;
            assert!(spans.iter().any(around), "{frames:?}: {spans:?}");
        }
    }
}

fn check_nodes(zones: &[Zone]) {
    for zone in zones.iter().take(16) {
        let Ok(node) = node_frames(zones, zone.node) else {
            continue;
        };
        for other in zones {
            let (first, last) = (other.frames.start, other.frames.end - 1);
            let inside = node.contains(&first) && node.contains(&last);
            let outside = last < *node.start() || first > *node.end();
            let expected = if other.node == zone.node {
                inside
            } else {
                outside
            };
            assert!(expected, "{other:?} and node {}: {node:?}", zone.node);
        }
    }
}
