//! Sockets and the packets in their queues.

use anyhow::Result;

use super::members;
use crate::kernel::btf::Btf;

/// `struct socket`, `sock`, `sock_common`, `proto` and `net`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct SocketLayout {
    /// Where a file's socket points to its sock.
    pub(in crate::kernel::objects) sock: u64,
    /// Where a socket points to its file.
    pub(in crate::kernel::objects) file: u64,
    /// Bytes of a sock, without what its protocol adds.
    pub(in crate::kernel::objects) size: u64,
    pub(in crate::kernel::objects) family: u64,
    pub(in crate::kernel::objects) state: u64,
    pub(in crate::kernel::objects) remote_v4: u64,
    pub(in crate::kernel::objects) local_v4: u64,
    pub(in crate::kernel::objects) remote_v6: u64,
    pub(in crate::kernel::objects) local_v6: u64,
    pub(in crate::kernel::objects) remote_port: u64,
    pub(in crate::kernel::objects) local_port: u64,
    pub(in crate::kernel::objects) references: u64,
    pub(in crate::kernel::objects) protocol_operations: u64,
    pub(in crate::kernel::objects) namespace: u64,
    /// The socket that a file refers to; 0 of an orphan.
    pub(in crate::kernel::objects) owner: u64,
    pub(in crate::kernel::objects) protocol: u64,
    /// Before Linux 5.7 a bit field.
    pub(in crate::kernel::objects) socket_type: u64,
    pub(in crate::kernel::objects) receive_queue: u64,
    pub(in crate::kernel::objects) error_queue: u64,
    pub(in crate::kernel::objects) write_queue: u64,
    pub(in crate::kernel::objects) backlog: u64,
    pub(in crate::kernel::objects) fragment: u64,
    pub(in crate::kernel::objects) queued_bytes: u64,
    pub(in crate::kernel::objects) sent_bytes: u64,
    pub(in crate::kernel::objects) drops: u64,
    pub(in crate::kernel::objects) waiting: u64,
    pub(in crate::kernel::objects) most_waiting: u64,
    pub(in crate::kernel::objects) receive_limit: u64,
    pub(in crate::kernel::objects) send_limit: u64,
    /// Where a `proto` has its slab cache.
    pub(in crate::kernel::objects) cache: u64,
    pub(in crate::kernel::objects) namespace_number: u64,
}

/// `struct sk_buff`, `sk_buff_head` and `skb_shared_info`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct PacketLayout {
    pub(in crate::kernel::objects) size: u64,
    pub(in crate::kernel::objects) sock: u64,
    pub(in crate::kernel::objects) time: u64,
    pub(in crate::kernel::objects) control: u64,
    pub(in crate::kernel::objects) len: u64,
    pub(in crate::kernel::objects) head: u64,
    pub(in crate::kernel::objects) end: u64,
    pub(in crate::kernel::objects) true_size: u64,
    pub(in crate::kernel::objects) count: u64,
    pub(in crate::kernel::objects) list: u64,
    pub(in crate::kernel::objects) data_references: u64,
    pub(in crate::kernel::objects) fragments: u64,
    pub(in crate::kernel::objects) fragment_size: u64,
    pub(in crate::kernel::objects) shared_size: u64,
}

/// `struct unix_sock`, `unix_address`, `unix_skb_parms` and `scm_fp_list`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct UnixLayout {
    pub(in crate::kernel::objects) address: u64,
    pub(in crate::kernel::objects) name_len: u64,
    pub(in crate::kernel::objects) name: u64,
    pub(in crate::kernel::objects) files: u64,
    pub(in crate::kernel::objects) count: u64,
    pub(in crate::kernel::objects) list: u64,
}

/// `struct tcp_sock` and `request_sock`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct TcpLayout {
    pub(in crate::kernel::objects) unordered: u64,
    pub(in crate::kernel::objects) unacknowledged: u64,
    pub(in crate::kernel::objects) received: u64,
    pub(in crate::kernel::objects) copied: u64,
    pub(in crate::kernel::objects) written: u64,
    pub(in crate::kernel::objects) acknowledged: u64,
    pub(in crate::kernel::objects) accept_head: u64,
    pub(in crate::kernel::objects) next_request: u64,
    pub(in crate::kernel::objects) request_sock: u64,
}

impl SocketLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let (sock, common) = (members(btf, "sock"), members(btf, "sock_common"));
        let namespace = members(btf, "net").at("ns")? + members(btf, "ns_common").at("inum")?;
        Ok(Self {
            sock: members(btf, "socket").at("sk")?,
            file: members(btf, "socket").at("file")?,
            size: sock.size()?,
            family: common.at("skc_family")?,
            state: common.at("skc_state")?,
            remote_v4: common.at("skc_daddr")?,
            local_v4: common.at("skc_rcv_saddr")?,
            remote_v6: common.at("skc_v6_daddr")?,
            local_v6: common.at("skc_v6_rcv_saddr")?,
            remote_port: common.at("skc_dport")?,
            local_port: common.at("skc_num")?,
            references: common.at("skc_refcnt")?,
            protocol_operations: common.at("skc_prot")?,
            namespace: common.at("skc_net")?,
            owner: sock.at("sk_socket")?,
            protocol: sock.at("sk_protocol")?,
            socket_type: sock.at("sk_type")?,
            receive_queue: sock.at("sk_receive_queue")?,
            error_queue: sock.at("sk_error_queue")?,
            write_queue: sock.at("sk_write_queue")?,
            backlog: sock.at("sk_backlog")?,
            fragment: sock.at("sk_frag")? + members(btf, "page_frag").at("page")?,
            queued_bytes: sock.at("sk_wmem_queued")?,
            sent_bytes: sock.at("sk_wmem_alloc")?,
            drops: sock.at("sk_drops")?,
            waiting: sock.at("sk_ack_backlog")?,
            most_waiting: sock.at("sk_max_ack_backlog")?,
            receive_limit: sock.at("sk_rcvbuf")?,
            send_limit: sock.at("sk_sndbuf")?,
            cache: members(btf, "proto").at("slab")?,
            namespace_number: namespace,
        })
    }
}

impl PacketLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let (packet, shared) = (members(btf, "sk_buff"), members(btf, "skb_shared_info"));
        // Since Linux 5.4 a `bio_vec`, which Linux 6.10 made a struct of its own again, of one size.
        const FRAGMENT: u64 = 16;
        Ok(Self {
            size: packet.size()?,
            sock: packet.at("sk")?,
            time: packet.at("tstamp")?,
            control: packet.at("cb")?,
            len: packet.at("len")?,
            head: packet.at("head")?,
            end: packet.at("end")?,
            true_size: packet.at("truesize")?,
            count: shared.at("nr_frags")?,
            list: shared.at("frag_list")?,
            data_references: shared.at("dataref")?,
            fragments: shared.at("frags")?,
            fragment_size: FRAGMENT,
            shared_size: shared.size()?,
        })
    }
}

impl UnixLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let (address, list) = (members(btf, "unix_address"), members(btf, "scm_fp_list"));
        Ok(Self {
            address: members(btf, "unix_sock").at("addr")?,
            name_len: address.at("len")?,
            name: address.at("name")?,
            files: members(btf, "unix_skb_parms").at("fp")?,
            count: list.at("count")?,
            list: list.at("fp")?,
        })
    }
}

impl TcpLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let (tcp, request) = (members(btf, "tcp_sock"), members(btf, "request_sock"));
        let queue = members(btf, "inet_connection_sock").at("icsk_accept_queue")?;
        Ok(Self {
            unordered: tcp.at("out_of_order_queue")?,
            unacknowledged: members(btf, "sock").at("tcp_rtx_queue")?,
            received: tcp.at("rcv_nxt")?,
            copied: tcp.at("copied_seq")?,
            written: tcp.at("write_seq")?,
            acknowledged: tcp.at("snd_una")?,
            accept_head: queue + members(btf, "request_sock_queue").at("rskq_accept_head")?,
            next_request: request.at("dl_next")?,
            request_sock: request.at("sk")?,
        })
    }
}
