//! Each kind of holder.

use std::fs;

use pagetrace_tests::{
    harness::{root_or_skip, skip},
    leaks::HeldKind,
};

use super::{
    BLOCK, MIB,
    devices::tap_refusal,
    known::{Known, Pages},
    page,
};

/// Pages of a ring buffer of BPF beside its data: itself, and both positions.
pub(super) const POSITIONS: u64 = 3;

/// Bytes of a packet that lie in pages of their own.
pub(super) const PACKET: u64 = 32 << 10;

/// Why data of so many bytes in one piece are in no page of their own, if they are not: up to two page
/// frames come from a slab (`KMALLOC_MAX_CACHE_SIZE`, include/linux/slab.h).
fn slab_of(bytes: u64) -> Option<&'static str> {
    let reason = "with page frames of this size such data lie in slabs, which a counter knows";
    (bytes < 2 * page()).then_some(reason)
}

/// Has the leak be found, if there is one on this machine.
fn find(test: &str, needs: Option<HeldKind>, known: &Known<'_>) {
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let refusal = match needs {
        Some(HeldKind::Tap) => tap_refusal(),
        needs => needs.and_then(HeldKind::refusal),
    };
    match refusal {
        Some(reason) => skip(test, &reason),
        None => known.is_found(),
    }
}

#[test]
fn pipes_are_found_to_the_page() {
    let known = Known {
        args: &["pipes", "--count", "500", "--pages", "16"],
        kind: "pipe",
        holding: None,
        objects: 500,
        pages: Pages::Each(16),
        payload: 8000 * page(),
    };
    find("pipes_are_found_to_the_page", None, &known);
}

#[test]
fn pipes_of_a_mebibyte_are_found_to_the_page() {
    let known = Known {
        args: &["held", "large-pipes", "--count", "32"],
        kind: "pipe",
        holding: None,
        objects: 32,
        pages: Pages::Each(MIB / page()),
        payload: 32 * MIB,
    };
    find("pipes_of_a_mebibyte_are_found_to_the_page", None, &known);
}

#[test]
fn of_pages_in_two_pipes_only_both_free_any() {
    let known = Known {
        args: &["held", "tee", "--count", "500"],
        kind: "pipe",
        holding: None,
        objects: 1000,
        pages: Pages::Shared(16),
        payload: 2 * 8000 * page(),
    };
    find("of_pages_in_two_pipes_only_both_free_any", None, &known);
}

#[test]
fn pipes_in_flight_belong_to_whom_they_were_sent() {
    let known = Known {
        args: &["held", "in-flight", "--count", "500"],
        kind: "pipe",
        holding: Some("in-flight"),
        objects: 500,
        pages: Pages::Each(16),
        payload: 8000 * page(),
    };
    find(
        "pipes_in_flight_belong_to_whom_they_were_sent",
        None,
        &known,
    );
}

#[test]
fn pipes_in_flight_in_a_socket_in_flight_have_a_process() {
    let known = Known {
        args: &["held", "nested-in-flight", "--count", "500"],
        kind: "pipe",
        holding: Some("in-flight"),
        objects: 500,
        pages: Pages::Each(16),
        payload: 8000 * page(),
    };
    let test = "pipes_in_flight_in_a_socket_in_flight_have_a_process";
    find(test, None, &known);
}

#[test]
fn connections_that_wait_belong_to_the_listener() {
    let known = Known {
        args: &["held", "not-accepted", "--count", "100"],
        kind: "socket",
        holding: Some("not-accepted"),
        objects: 100,
        pages: Pages::OfData,
        payload: 100 * (128 << 10),
    };
    find("connections_that_wait_belong_to_the_listener", None, &known);
}

#[test]
fn unread_tcp_streams_are_found() {
    let known = Known {
        args: &["tcp", "--connections", "100", "--blocks", "8"],
        kind: "socket",
        holding: None,
        objects: 100,
        pages: Pages::OfData,
        payload: 100 * 8 * (BLOCK - 32),
    };
    find("unread_tcp_streams_are_found", None, &known);
}

#[test]
fn an_unread_unix_stream_is_found_to_the_page() {
    const TEST: &str = "an_unread_unix_stream_is_found_to_the_page";
    if let Some(reason) = slab_of(PACKET) {
        return skip(TEST, reason);
    }
    let known = Known {
        args: &["held", "unix-stream", "--count", "500"],
        kind: "socket",
        holding: None,
        objects: 1,
        pages: Pages::Each(500 * PACKET / page()),
        payload: 500 * PACKET,
    };
    find(TEST, None, &known);
}

#[test]
fn unread_unix_datagrams_are_found() {
    const TEST: &str = "unread_unix_datagrams_are_found";
    if let Some(reason) = slab_of(32768) {
        return skip(TEST, reason);
    }
    let known = Known {
        args: &["unix-dgrams", "--count", "500", "--size", "32768"],
        kind: "socket",
        holding: None,
        objects: 500_usize.div_ceil(datagrams_in_a_queue()),
        pages: Pages::OfData,
        payload: 500 * 32768,
    };
    find(TEST, None, &known);
}

/// How many datagrams a unix socket queues before a sender has to wait.
fn datagrams_in_a_queue() -> usize {
    let limit = fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen");
    let limit = limit.expect("unix sockets");
    limit.trim().parse().expect("a number")
}

#[test]
fn unread_udp_datagrams_are_found() {
    let known = Known {
        args: &["held", "udp", "--count", "500"],
        kind: "socket",
        holding: None,
        objects: 1,
        pages: Pages::OfData,
        payload: 500 * 32_000,
    };
    find("unread_udp_datagrams_are_found", None, &known);
}

#[test]
fn unread_echo_replies_are_found() {
    const IP_HEADER: u64 = 20;
    const TEST: &str = "unread_echo_replies_are_found";
    if let Some(reason) = slab_of(20_000) {
        return skip(TEST, reason);
    }
    let known = Known {
        args: &["icmp", "--count", "500"],
        kind: "socket",
        holding: None,
        objects: 1,
        pages: Pages::OfReplies,
        payload: 500 * (20_000 + IP_HEADER),
    };
    find(TEST, None, &known);
}

#[test]
fn unread_echo_replies_of_ipv6_are_found() {
    const TEST: &str = "unread_echo_replies_of_ipv6_are_found";
    if let Some(reason) = slab_of(20_000) {
        return skip(TEST, reason);
    }
    let known = Known {
        args: &["held", "raw6", "--count", "500"],
        kind: "socket",
        holding: None,
        objects: 1,
        pages: Pages::OfReplies,
        payload: 500 * 20_000,
    };
    find(TEST, Some(HeldKind::Raw6), &known);
}

#[test]
fn a_packet_ring_is_found_to_the_page() {
    let known = Known {
        args: &["packet-ring", "--blocks", "1024", "--order", "3"],
        kind: "packet-ring",
        holding: None,
        objects: 1,
        pages: Pages::Each(1024 * 8),
        payload: 0,
    };
    find("a_packet_ring_is_found_to_the_page", None, &known);
}

#[test]
fn a_packet_ring_without_a_descriptor_belongs_to_who_has_it_mapped() {
    let known = Known {
        args: &["held", "closed-ring", "--count", "1024"],
        kind: "packet-ring",
        holding: Some("mapping"),
        objects: 1,
        pages: Pages::Each(1024 * 8),
        payload: 0,
    };
    let test = "a_packet_ring_without_a_descriptor_belongs_to_who_has_it_mapped";
    find(test, None, &known);
}

#[test]
fn perf_rings_are_found_to_the_page() {
    let known = Known {
        args: &["perf-rings", "--count", "16", "--order", "8"],
        kind: "perf-ring",
        holding: None,
        objects: 16,
        pages: Pages::Each(257),
        payload: 0,
    };
    find("perf_rings_are_found_to_the_page", None, &known);
}

#[test]
fn io_urings_are_found_to_the_page() {
    let known = Known {
        args: &["held", "io-uring", "--count", "1000"],
        kind: "io-uring",
        holding: None,
        objects: 1000,
        pages: Pages::Each(2),
        payload: 0,
    };
    let test = "io_urings_are_found_to_the_page";
    find(test, Some(HeldKind::IoUring), &known);
}

#[test]
fn what_nobody_reads_from_a_tap_device_is_found_to_the_page() {
    const TEST: &str = "what_nobody_reads_from_a_tap_device_is_found_to_the_page";
    if let Some(reason) = slab_of(PACKET) {
        return skip(TEST, reason);
    }
    let known = Known {
        args: &["held", "tap", "--count", "400"],
        kind: "tun-queue",
        holding: None,
        objects: 1,
        pages: Pages::Each(400 * PACKET / page()),
        payload: 400 * (14 + PACKET),
    };
    find(TEST, Some(HeldKind::Tap), &known);
}

#[test]
fn a_bpf_ring_buffer_is_found_to_the_page() {
    let known = Known {
        args: &["bpf-ring", "--order", "12"],
        kind: "bpf-ring-buffer",
        holding: None,
        objects: 1,
        pages: Pages::Each((1 << 12) + POSITIONS),
        payload: 0,
    };
    find("a_bpf_ring_buffer_is_found_to_the_page", None, &known);
}
