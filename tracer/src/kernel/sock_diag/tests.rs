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
    let names = sockets.clone().map(|socket| socket.name);
    let expected = [
        "tcp 127.0.0.1:8080 -> 127.0.0.1:40000",
        "udp [::1]:5353",
        "unix @pagetrace",
        "netlink route",
        "packet",
    ];
    assert_eq!(names, expected);
    // 50,000 bytes to be read with the heads of their packets, and the rest of the last page.
    assert_eq!(sockets[0].bytes, 0xc9d0 + 0x630);
    assert!(sockets[1].bytes >= 1000, "{:?}", sockets[1]);
    assert!(sockets.iter().all(|socket| socket.inode != 0));
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
            assert!(cut.is_none_or(|cut| cut.bytes <= whole.bytes), "{len}");
        }
    }
}

#[test]
fn hostile_numbers_add_up() {
    let memory: Vec<_> = [u32::MAX; 9]
        .into_iter()
        .flat_map(u32::to_ne_bytes)
        .collect();
    // The reserved bytes are -1 here.
    assert_eq!(buffer_bytes(&memory), Some(4 * u64::from(u32::MAX)));
    assert_eq!(buffer_bytes(&memory[..20]), None);
}

#[test]
fn a_unix_name_need_not_be_text() {
    assert_eq!(unix_name(b"/run/x\0"), "/run/x");
    assert_eq!(unix_name(b"\0a\xff"), "@a\u{fffd}");
    assert_eq!(unix_name(b""), "");
}
