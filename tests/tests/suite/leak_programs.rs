//! The leaks take what they say, by the kernel's own count and without pagetrace.

use std::collections::BTreeMap;

use pagetrace_tests::{
    announcement::PagesByOrder,
    events::PageEvents,
    harness::{root_or_skip, skip},
    leaks::{
        Anon, PacketRing, PerfRings, Pipes, Ptys, Tcp, Thp, UnixDgrams, huge_order, payload,
        terminal_buffers,
    },
};

fn counted(work: impl FnOnce() -> std::io::Result<()>) -> PagesByOrder {
    let mut events = PageEvents::of_this_task().expect("root may count events");
    events.count(work).expect("the leak works")
}

#[test]
fn doing_nothing_takes_no_page() {
    let Some(_machine) = root_or_skip("doing_nothing_takes_no_page") else {
        return;
    };
    assert_eq!(counted(|| Ok(())), BTreeMap::new());
}

#[test]
fn a_pipe_takes_one_order_0_page_per_page_written() {
    let Some(_machine) = root_or_skip("a_pipe_takes_one_order_0_page_per_page_written") else {
        return;
    };
    for (count, pages) in [(500, 16), (3, 64)] {
        let pipes = Pipes { count, pages }.open().expect("pipes");
        let payload = payload(pages);
        let taken = counted(|| pipes.iter().try_for_each(|pipe| pipe.fill(&payload)));
        assert_eq!(taken, BTreeMap::from([(0, (count * pages) as u64)]));
    }
}

#[test]
fn a_packet_ring_takes_blocks_of_its_order() {
    let Some(_machine) = root_or_skip("a_packet_ring_takes_blocks_of_its_order") else {
        return;
    };
    // Its socket and its list of blocks are slab objects, which can cost a slab more:
    // of order 3 at most (`PAGE_ALLOC_COSTLY_ORDER`).
    for order in [4, 5, 6] {
        let mut held = None;
        let mut taken = counted(|| {
            let ring = PacketRing {
                blocks: 16,
                order,
                elsewhere: None,
            };
            held = Some(ring.take()?);
            Ok(())
        });
        taken.retain(|&order, _| order > 3);
        assert_eq!(taken, BTreeMap::from([(order, 16 << order)]));
    }
}

#[test]
fn perf_rings_take_their_pages_and_little_else() {
    let Some(_machine) = root_or_skip("perf_rings_take_their_pages_and_little_else") else {
        return;
    };
    let rings = PerfRings { count: 8, order: 8 };
    let mut held = None;
    let taken = counted(|| {
        held = Some(rings.take()?);
        Ok(())
    });
    // Else are slabs, for the events and their lists of pages, and page tables.
    let order_0 = rings.pages()..rings.pages() + 100;
    assert!(order_0.contains(&taken[&0]), "{taken:?}");
}

#[test]
fn anonymous_memory_is_not_counted_but_its_page_tables_are() {
    let Some(_machine) = root_or_skip("anonymous_memory_is_not_counted_but_its_page_tables_are")
    else {
        return;
    };
    let mut held = None;
    let taken = counted(|| {
        held = Some(Anon { mib: 64 }.take()?);
        Ok(())
    });
    let pages: u64 = taken.values().sum();
    assert!(
        (1..200).contains(&pages),
        "64 MiB need 32 page tables: {taken:?}"
    );
}

#[test]
fn datagrams_take_at_least_their_size() {
    let Some(_machine) = root_or_skip("datagrams_take_at_least_their_size") else {
        return;
    };
    let held = UnixDgrams {
        count: 50,
        size: 32768,
    }
    .take()
    .expect("datagrams");
    let pages = held.announcement.pages;
    assert!(
        (50 * 8..50 * 12).contains(&pages),
        "{:?}",
        held.announcement
    );
}

#[test]
fn a_tcp_stream_takes_the_blocks_that_its_bytes_fill() {
    let Some(_machine) = root_or_skip("a_tcp_stream_takes_the_blocks_that_its_bytes_fill") else {
        return;
    };
    for (connections, blocks) in [(50, 8), (3, 40)] {
        let announcement = Tcp {
            connections,
            blocks,
        }
        .take()
        .expect("streams")
        .announcement;
        let (pages, counted) = (announcement.pages, announcement.counted);
        assert_eq!(pages, (connections * blocks * 8) as u64);
        // On a machine with many processors, slabs of socket buffers can be of order 3 too.
        let order_3 = counted.expect("this leak is counted")[&3];
        assert!((pages..pages + 100).contains(&order_3), "{order_3} pages");
    }
}

#[test]
fn a_pair_of_terminals_takes_two_buffers() {
    let Some(_machine) = root_or_skip("a_pair_of_terminals_takes_two_buffers") else {
        return;
    };
    let before = terminal_buffers().expect("root may read it");
    let held = Ptys { count: 50 }.take().expect("terminals");
    let after = terminal_buffers().expect("root may read it");
    assert_eq!(after.len() - before.len(), 100);
    let taken = after.iter().sum::<u64>() - before.iter().sum::<u64>();
    assert_eq!(held.announcement.pages, taken);
}

#[test]
fn a_huge_page_takes_a_block_of_order_9() {
    const TEST: &str = "a_huge_page_takes_a_block_of_order_9";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    if let Some(reason) = Thp::refusal() {
        return skip(TEST, &reason);
    }
    let mut events = PageEvents::with_movable_pages().expect("root may count events");
    let mut held = None;
    let taken = events.count(|| {
        held = Some(Thp { count: 16 }.take()?);
        Ok(())
    });
    let taken = taken.expect("the leak works");
    assert_eq!(
        taken.get(&huge_order()),
        Some(&(16 << huge_order())),
        "{taken:?}"
    );
}
