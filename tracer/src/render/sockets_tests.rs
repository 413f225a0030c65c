use jiff::Timestamp;

use super::*;
use crate::{
    model::{
        HoldersLosses, ObjectOwner, ProtocolTotals, SocketState, SocketTotals, SocketsSchema,
        TcpMemory, Tool, Walked,
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
            recv_q: 77_594_624,
            drops: 6_048_000,
            ..SocketState::default()
        },
        queues: Walked {
            skbs: 96_000,
            payload_bytes: 13 << 20,
            truesize_bytes: 74 << 20,
            ..Walked::default()
        },
        pinned_bytes: 3 << 30,
        frees_bytes: 3 << 30,
        oldest_seconds: Some(std::time::Duration::from_secs(40).into()),
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
            ..SocketState::default()
        },
        queues: Walked {
            skbs: 3,
            payload_bytes: 4096,
            truesize_bytes: 8192,
            truncated: true,
            ..Walked::default()
        },
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
        skbs: 96_003,
        payload_bytes: 13 << 20,
        truesize_bytes: 74 << 20,
        pinned_bytes: 3 << 30,
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
        losses: HoldersLosses::default(),
        limitations: Vec::new(),
    }
}

fn shown(whole: bool) -> String {
    let mut text = Vec::new();
    let extent = Extent { top: 14, whole };
    sockets(&report(), extent, &mut text).expect("memory takes everything");
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
