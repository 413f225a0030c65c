use jiff::Timestamp;

use super::*;
use crate::{
    model::{
        Feature, HoldersLosses, ObjectOwner, ProtocolTotals, SocketState, SocketTotals,
        SocketsSchema, TcpMemory, Tool,
    },
    render::sample,
};

fn owner(name: &str, pids: &[u32]) -> ObjectOwner {
    ObjectOwner {
        pid: pids.first().copied(),
        pids: pids.to_vec(),
        comm: Some(name.to_owned()),
        ..ObjectOwner::default()
    }
}

fn zebra() -> SocketEntry {
    SocketEntry {
        owner: ObjectOwner {
            fd: Some(9),
            ..owner("zebra\x1b[31m", &[3218])
        },
        process_state: Some('T'),
        socket: SocketState {
            protocol: "raw6".to_owned(),
            state: "UNCONN".to_owned(),
            local: Some("[::]:58".to_owned()),
            netns: 4_026_531_833,
            recv_q: Some(77_594_624),
            send_q: Some(0),
            drops: Some(6_048_000),
            ..SocketState::default()
        },
        skbs: Some(96_000),
        payload_bytes: Some(13 << 20),
        truesize_bytes: Some(74 << 20),
        pinned_bytes: Some(3 << 30),
        frees_bytes: Some(3 << 30),
        oldest_seconds: Some(std::time::Duration::from_secs(40).into()),
        ..SocketEntry::default()
    }
}

fn report() -> SocketsReport {
    let not_accepted = SocketEntry {
        owner: ObjectOwner {
            holding: Some(HeldBy::NotAccepted),
            ..owner("nginx", &[7, 8])
        },
        socket: SocketState {
            protocol: "tcp".to_owned(),
            state: "ESTAB".to_owned(),
            netns: 1,
            local: Some("10.0.0.1:80".to_owned()),
            remote: Some("10.0.0.2:4711".to_owned()),
            recv_q: Some(0),
            send_q: Some(0),
            ..SocketState::default()
        },
        skbs: Some(3),
        payload_bytes: Some(4096),
        truesize_bytes: Some(8192),
        pinned_bytes: Some(0),
        truncated: true,
        ..SocketEntry::default()
    };
    let empty = SocketEntry {
        socket: SocketState {
            protocol: "unix-stream".to_owned(),
            state: "LISTEN".to_owned(),
            ..SocketState::default()
        },
        ..SocketEntry::default()
    };
    let totals = SocketTotals {
        sockets: 3,
        skbs: Some(96_003),
        payload_bytes: Some(13 << 20),
        truesize_bytes: Some(74 << 20),
        pinned_bytes: Some(3 << 30),
    };
    let protocols = ["raw6", "tcp", "unix-stream"].map(|protocol| ProtocolTotals {
        protocol: protocol.to_owned(),
        totals: SocketTotals {
            sockets: 1,
            ..SocketTotals::default()
        },
    });
    SocketsReport {
        schema: SocketsSchema::V1,
        tool: Tool::own(),
        host: sample::host(),
        taken_at: Timestamp::UNIX_EPOCH,
        seconds: std::time::Duration::from_millis(450).into(),
        own_netns: 1,
        totals,
        protocols: protocols.into(),
        tcp: Some(TcpMemory {
            bytes: 2 << 30,
            pressure_bytes: 1 << 30,
            limit_bytes: 3 << 30,
        }),
        sockets: vec![zebra(), not_accepted, empty],
        losses: Some(HoldersLosses::default()),
        limitations: Vec::new(),
    }
}

/// The same, as the kernel lists it.
fn listed() -> SocketsReport {
    let mut report = report();
    for socket in &mut report.sockets {
        *socket = SocketEntry {
            skbs: None,
            payload_bytes: None,
            pinned_bytes: None,
            frees_bytes: None,
            oldest_seconds: None,
            truncated: false,
            ..socket.clone()
        };
    }
    let reason = "--no-bpf was given; so packets are not known";
    SocketsReport {
        totals: SocketTotals {
            skbs: None,
            payload_bytes: None,
            pinned_bytes: None,
            ..report.totals
        },
        losses: None,
        limitations: vec![Feature::SocketQueues.degraded(reason)],
        ..report
    }
}

fn shown(whole: bool) -> String {
    shown_of(&report(), whole)
}

fn shown_of(report: &SocketsReport, whole: bool) -> String {
    let mut text = Vec::new();
    let extent = Extent { top: 14, whole };
    sockets(report, extent, &mut text).expect("memory takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
}

#[test]
fn the_socket_that_takes_most_comes_first() {
    insta::assert_snapshot!(shown(false));
}

#[test]
fn empty_sockets_are_shown_when_asked_for() {
    assert!(!shown(false).contains("unix-stream LISTEN"));
    assert!(shown(true).contains("unix-stream LISTEN"));
}

#[test]
fn what_is_not_known_is_no_zero() {
    insta::assert_snapshot!(shown_of(&listed(), false));
}
