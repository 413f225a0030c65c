use super::*;

// What Linux 6.18 said of sockets with unread data in a network namespace of their own.
const TCP: &[u8] = include_bytes!("tcp.bin");
const UDP6: &[u8] = include_bytes!("udp6.bin");
const UNIX: &[u8] = include_bytes!("unix.bin");
const NETLINK: &[u8] = include_bytes!("netlink.bin");

const PACKET: &[u8] = include_bytes!("packet.bin");

const MESSAGES: [(Family, &[u8]); 5] = [
    (Family::V4(Protocol::Tcp), TCP),
    (Family::V6(Protocol::Udp), UDP6),
    (Family::Unix, UNIX),
    (Family::Netlink, NETLINK),
    (Family::Packet, PACKET),
];

#[test]
fn sockets_are_named_and_have_their_unread_data() {
    let sockets = MESSAGES.map(|(family, message)| family.socket(message).expect("whole"));
    let names = sockets.clone().map(|socket| socket.state.name());
    let expected = [
        "tcp 127.0.0.1:8080 -> 127.0.0.1:40000",
        "udp6 [::1]:5353",
        "unix-dgram @pagetrace",
        "netlink route",
        "packet",
    ];
    assert_eq!(names, expected);
    // 50,000 bytes to be read with the heads of their packets, and the rest of the last page.
    assert_eq!(sockets[0].memory.bytes(), 0xc9d0 + 0x630);
    assert!(sockets[1].memory.bytes() >= 1000, "{:?}", sockets[1]);
    assert!(sockets.iter().all(|socket| socket.inode != 0));
}

#[test]
fn queues_are_as_ss_has_them() {
    let [tcp, udp, unix, netlink, packet] =
        MESSAGES.map(|(family, message)| family.socket(message).expect("whole"));
    assert_eq!(
        (tcp.state.recv_q, tcp.state.send_q),
        (Some(50_000), Some(0))
    );
    assert_eq!(tcp.memory.packet_bytes(), 0xc9d0);
    assert_eq!(udp.state.recv_q, Some(udp.memory.received));
    // The first of two datagrams.
    assert_eq!((unix.state.recv_q, unix.state.send_q), (Some(300), Some(0)));
    assert_eq!(netlink.state.recv_q, Some(netlink.memory.received));
    let states = [tcp, udp, unix, packet].map(|socket| socket.state.state);
    assert_eq!(states, ["ESTAB", "UNCONN", "UNCONN", "UNCONN"]);
}

#[test]
fn the_kernels_end_of_netlink_is_no_socket() {
    let mut kernels = NETLINK.to_vec();
    kernels[4..8].fill(0);
    assert_eq!(Family::Netlink.socket(&kernels), None);
}

#[test]
fn a_request_has_the_kernels_size() {
    let sizes = Family::ALL.map(|family| family.request().len());
    assert_eq!(sizes, [56, 56, 56, 56, 56, 56, 24, 20, 20]);
}

#[test]
fn no_cut_off_message_has_other_memory() {
    for (family, message) in MESSAGES {
        let whole = family.socket(message).expect("whole");
        for len in 0..message.len() {
            let cut = family.socket(&message[..len]);
            assert!(
                cut.is_none_or(|cut| cut.memory.bytes() <= whole.memory.bytes()),
                "{len}"
            );
        }
    }
}
