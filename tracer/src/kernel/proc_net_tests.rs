use super::*;

// Of Linux 6.18.
const TCP: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000005 00:00000000 00000000     0        0 39 1 00000000cdfd2327 100 0 0 10 0
   1: 0100007F:1F90 0100007F:9C40 01 00000010:0000C350 00:00000000 00000000     0        0 40 1 00000000cdfd2328 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:9C41 06 00000000:00000000 03:00001770 00000000     0        0 0 3 00000000cdfd2329
";
const RAW6: &str = "\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
   58: 00000000000000000000000000000000:003A 000080FE000000000000000001000000:0000 07 00000000:04A00000 00:00000000 00000000     0        0 58 2 0000000023219b28 6048
";
const UNIX: &str = "\
Num       RefCount Protocol Flags    Type St Inode Path
0000000023219b28: 00000003 00000000 00000000 0001 03 69259776
000000004016844b: 00000002 00000000 00010000 0001 01 17 /run/a name
0000000040168441: 00000002 00000000 00000000 0002 01 18 @abstract
";
const NETLINK: &str = "\
sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
0000000013240c87 15  0          00000000 0        0        0     2        0        8
0000000013240c88 15  4711       00000000 768      0        0     2        7        1587
";
const PACKET: &str = "\
sk               RefCnt Type Proto  Iface R Rmem   User   Inode
000000009b2e2f1f 3      3    0003   0     1 4352   0      9911
";

fn only(table: Table, text: &str) -> Listed {
    let mut sockets = table.sockets(text);
    let first = sockets.next().expect("there is one");
    assert_eq!(sockets.next(), None);
    first
}

#[test]
fn tcp_sockets_have_data_and_no_account() {
    let sockets: Vec<_> = Table::TCP[0].sockets(TCP).collect();
    let [listener, connection] = &sockets[..] else {
        panic!("{sockets:#?}")
    };
    assert_eq!(listener.state.name(), "tcp 127.0.0.1:8080");
    assert_eq!(listener.state.state, "LISTEN");
    assert_eq!(
        (listener.state.recv_q, listener.state.send_q),
        (Some(5), None)
    );
    let name = "tcp 127.0.0.1:8080 -> 127.0.0.1:40000";
    assert_eq!(
        (connection.inode, connection.state.name().as_str()),
        (40, name)
    );
    let state = &connection.state;
    assert_eq!((state.recv_q, state.send_q), (Some(50_000), Some(16)));
    assert_eq!((state.received_bytes, state.drops), (None, None));
}

#[test]
fn a_raw_socket_has_memory_and_drops() {
    let socket = only(Table::RAW[1], RAW6);
    assert_eq!(socket.state.name(), "raw6 [::]:58 -> [fe80::1]:0");
    assert_eq!((socket.inode, socket.state.state.as_str()), (58, "UNCONN"));
    let state = socket.state;
    assert_eq!((state.recv_q, state.send_q), (Some(77_594_624), Some(0)));
    assert_eq!(
        (state.received_bytes, state.drops),
        (state.recv_q, Some(6048))
    );
}

#[test]
fn unix_sockets_have_names_and_no_queues() {
    let sockets: Vec<_> = Table::UNIX.sockets(UNIX).collect();
    let names: Vec<_> = sockets.iter().map(|it| it.state.name()).collect();
    assert_eq!(
        names,
        [
            "unix-stream",
            "unix-stream /run/a name",
            "unix-dgram @abstract"
        ]
    );
    let states: Vec<_> = sockets.iter().map(|it| it.state.state.as_str()).collect();
    assert_eq!(states, ["ESTAB", "LISTEN", "UNCONN"]);
    assert!(sockets.iter().all(|it| it.state.recv_q.is_none()));
    assert_eq!(sockets[0].inode, 69_259_776);
}

#[test]
fn netlink_and_packet_sockets_have_memory() {
    let netlink = only(Table::NETLINK, NETLINK);
    assert_eq!(netlink.state.name(), "netlink uevent");
    assert_eq!((netlink.inode, netlink.state.recv_q), (1587, Some(768)));
    assert_eq!(netlink.state.drops, Some(7));
    let packet = only(Table::PACKET, PACKET);
    assert_eq!((packet.inode, packet.state.recv_q), (9911, Some(4352)));
    assert_eq!((packet.state.send_q, packet.state.drops), (None, None));
}

#[test]
fn lines_that_are_cut_off_are_left_out() {
    for (table, text) in [
        (Table::TCP[0], TCP),
        (Table::RAW[1], RAW6),
        (Table::UNIX, UNIX),
        (Table::NETLINK, NETLINK),
        (Table::PACKET, PACKET),
    ] {
        let whole = table.sockets(text).count();
        for len in 0..text.len() {
            assert!(table.sockets(&text[..len]).count() <= whole, "{len}");
        }
    }
}
