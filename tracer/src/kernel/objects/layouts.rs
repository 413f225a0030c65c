//! Where in the kernel's structs lies what a walk follows, from BTF, in bytes.
//!
//! Each kind of object has a layout of its own: where a kernel lacks a member, or has it elsewhere, only
//! that kind is not followed.

use anyhow::Result;

use crate::kernel::btf::Btf;

/// All that can be followed on this kernel.
#[derive(Clone, Debug)]
pub struct ObjectLayouts {
    pub(super) cache: CacheLayout,
    pub(super) task: TaskLayout,
    pub(super) file: FileLayout,
    pub(super) pipe: Result<PipeLayout, String>,
    pub(super) socket: Result<SocketLayout, String>,
    pub(super) packet: Result<PacketLayout, String>,
    pub(super) unix: Result<UnixLayout, String>,
    pub(super) tcp: Result<TcpLayout, String>,
    pub(super) udp: Result<u64, String>,
    pub(super) packet_ring: Result<PacketRingLayout, String>,
    pub(super) perf: Result<PerfLayout, String>,
    pub(super) io_uring: Result<IoUringLayout, String>,
    pub(super) registered: Result<RegisteredLayout, String>,
}

/// `struct kmem_cache`.
#[derive(Clone, Copy, Debug)]
pub(super) struct CacheLayout {
    pub(super) name: u64,
    /// The distance between two objects.
    pub(super) size: u64,
}

/// `struct task_struct`, `files_struct` and `fdtable`.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskLayout {
    pub(super) thread_node: u64,
    pub(super) state: u64,
    pub(super) pid: u64,
    pub(super) tgid: u64,
    pub(super) name: u64,
    pub(super) files: u64,
    /// The page of `task_frag`.
    pub(super) fragment: u64,
    pub(super) table: u64,
    pub(super) most_files: u64,
    pub(super) descriptors: u64,
}

/// `struct file` and `inode`.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileLayout {
    pub(super) operations: u64,
    pub(super) inode: u64,
    pub(super) private: u64,
    pub(super) references: u64,
    /// Since Linux 6.13 a count below 0 is that of a file that is gone; before, 0.
    pub(super) counts_from_zero: bool,
    pub(super) inode_number: u64,
}

/// `struct pipe_inode_info` and `pipe_buffer`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PipeLayout {
    pub(super) head: u64,
    pub(super) tail: u64,
    pub(super) slots: u64,
    pub(super) spare: u64,
    pub(super) spares: u64,
    pub(super) buffers: u64,
    pub(super) buffer_size: u64,
    pub(super) page: u64,
    pub(super) len: u64,
    pub(super) operations: u64,
}

/// `struct socket`, `sock`, `sock_common`, `proto` and `net`.
#[derive(Clone, Copy, Debug)]
pub(super) struct SocketLayout {
    /// Where a file's socket points to its sock.
    pub(super) sock: u64,
    /// Where a socket points to its file.
    pub(super) file: u64,
    /// Bytes of a sock, without what its protocol adds.
    pub(super) size: u64,
    pub(super) family: u64,
    pub(super) state: u64,
    pub(super) remote_v4: u64,
    pub(super) local_v4: u64,
    pub(super) remote_v6: u64,
    pub(super) local_v6: u64,
    pub(super) remote_port: u64,
    pub(super) local_port: u64,
    pub(super) references: u64,
    pub(super) protocol_operations: u64,
    pub(super) namespace: u64,
    /// The socket that a file refers to; 0 of an orphan.
    pub(super) owner: u64,
    pub(super) protocol: u64,
    /// Before Linux 5.7 a bit field.
    pub(super) socket_type: u64,
    pub(super) receive_queue: u64,
    pub(super) error_queue: u64,
    pub(super) write_queue: u64,
    pub(super) backlog: u64,
    pub(super) fragment: u64,
    pub(super) queued_bytes: u64,
    pub(super) sent_bytes: u64,
    pub(super) drops: u64,
    pub(super) waiting: u64,
    pub(super) most_waiting: u64,
    pub(super) receive_limit: u64,
    pub(super) send_limit: u64,
    /// Where a `proto` has its slab cache.
    pub(super) cache: u64,
    pub(super) namespace_number: u64,
}

/// `struct sk_buff`, `sk_buff_head` and `skb_shared_info`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PacketLayout {
    pub(super) size: u64,
    pub(super) sock: u64,
    pub(super) time: u64,
    pub(super) control: u64,
    pub(super) len: u64,
    pub(super) head: u64,
    pub(super) end: u64,
    pub(super) true_size: u64,
    pub(super) count: u64,
    pub(super) list: u64,
    pub(super) data_references: u64,
    pub(super) fragments: u64,
    pub(super) fragment_size: u64,
    pub(super) shared_size: u64,
}

/// `struct unix_sock`, `unix_address`, `unix_skb_parms` and `scm_fp_list`.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnixLayout {
    pub(super) address: u64,
    pub(super) name_len: u64,
    pub(super) name: u64,
    pub(super) files: u64,
    pub(super) count: u64,
    pub(super) list: u64,
}

/// `struct tcp_sock` and `request_sock`.
#[derive(Clone, Copy, Debug)]
pub(super) struct TcpLayout {
    pub(super) unordered: u64,
    pub(super) unacknowledged: u64,
    pub(super) received: u64,
    pub(super) copied: u64,
    pub(super) written: u64,
    pub(super) acknowledged: u64,
    pub(super) accept_head: u64,
    pub(super) next_request: u64,
    pub(super) request_sock: u64,
}

/// `struct packet_sock`, `packet_ring_buffer` and `pgv`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PacketRingLayout {
    pub(super) receive: u64,
    pub(super) send: u64,
    pub(super) blocks: u64,
    pub(super) count: u64,
    pub(super) block_size: u64,
}

/// `struct perf_event` and `perf_buffer`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PerfLayout {
    pub(super) buffer: u64,
    pub(super) count: u64,
    pub(super) aux_count: u64,
    pub(super) aux: u64,
    pub(super) user_page: u64,
    pub(super) data: u64,
}

/// `struct io_ring_ctx`.
#[derive(Clone, Debug)]
pub(super) enum IoUringLayout {
    /// `struct io_mapped_region` of each ring (Linux 6.14).
    Regions {
        regions: Vec<u64>,
        pages: u64,
        count: u64,
    },
    /// Pointers to the memory of each ring.
    Pointers(Vec<u64>),
}

/// `struct io_mapped_ubuf`, and where an io_uring has those that were registered with it.
#[derive(Clone, Debug)]
pub(super) struct RegisteredLayout {
    pub(super) list: u64,
    pub(super) count: u64,
    pub(super) entries: RegisteredEntries,
    pub(super) parts: u64,
    pub(super) part_count: u64,
    pub(super) part_size: u64,
    pub(super) page: u64,
    pub(super) len: u64,
    pub(super) offset: u64,
}

/// How the list of buffers is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum RegisteredEntries {
    /// Pointers to nodes, each of which has a pointer to the buffer here (Linux 6.13).
    Nodes(u64),
    /// Pointers to buffers.
    Pointers,
    /// The buffers themselves, of this size, each with a pointer to its parts (before Linux 5.13).
    Buffers(u64),
}

/// Offsets of the members of one struct.
struct Members<'a> {
    btf: &'a Btf<'a>,
    of: &'static str,
}

impl Members<'_> {
    fn at(&self, member: &str) -> Result<u64> {
        self.btf.member_offset(self.of, member).map(u64::from)
    }

    fn size(&self) -> Result<u64> {
        self.btf.struct_size(self.of).map(u64::from)
    }
}

const fn members<'a>(btf: &'a Btf<'a>, of: &'static str) -> Members<'a> {
    Members { btf, of }
}

impl ObjectLayouts {
    /// What BTF describes; an error without tasks and files, by which all else is found.
    pub fn of(btf: &Btf<'_>) -> Result<Self> {
        fn kind<T>(layout: Result<T>) -> Result<T, String> {
            layout.map_err(|error| format!("{error:#}"))
        }
        Ok(Self {
            cache: CacheLayout::of(btf)?,
            task: TaskLayout::of(btf)?,
            file: FileLayout::of(btf)?,
            pipe: kind(PipeLayout::of(btf)),
            socket: kind(SocketLayout::of(btf)),
            packet: kind(PacketLayout::of(btf)),
            unix: kind(UnixLayout::of(btf)),
            tcp: kind(TcpLayout::of(btf)),
            udp: kind(members(btf, "udp_sock").at("reader_queue")),
            packet_ring: kind(PacketRingLayout::of(btf)),
            perf: kind(PerfLayout::of(btf)),
            io_uring: kind(IoUringLayout::of(btf)),
            registered: kind(RegisteredLayout::of(btf)),
        })
    }

    /// What cannot be followed here, and why.
    pub fn missing(&self) -> Vec<(&'static str, &str)> {
        fn why<T>(layout: &Result<T, String>) -> Option<&str> {
            layout.as_ref().err().map(String::as_str)
        }
        let kinds = [
            ("pipes", why(&self.pipe)),
            ("sockets", why(&self.socket)),
            ("packets in sockets", why(&self.packet)),
            ("unix sockets", why(&self.unix)),
            ("queues of TCP", why(&self.tcp)),
            ("queues of UDP", why(&self.udp)),
            ("rings of packet sockets", why(&self.packet_ring)),
            ("perf rings", why(&self.perf)),
            ("io_uring rings", why(&self.io_uring)),
            ("buffers registered with io_uring", why(&self.registered)),
        ];
        let missing = kinds
            .into_iter()
            .filter_map(|(kind, why)| Some((kind, why?)));
        missing.collect()
    }
}

impl CacheLayout {
    fn of(btf: &Btf<'_>) -> Result<Self> {
        let cache = members(btf, "kmem_cache");
        Ok(Self {
            name: cache.at("name")?,
            size: cache.at("size")?,
        })
    }
}

impl TaskLayout {
    fn of(btf: &Btf<'_>) -> Result<Self> {
        let (task, table) = (members(btf, "task_struct"), members(btf, "fdtable"));
        Ok(Self {
            thread_node: task.at("thread_node")?,
            // Linux 5.14 renamed it.
            state: task.at("__state").or_else(|_| task.at("state"))?,
            pid: task.at("pid")?,
            tgid: task.at("tgid")?,
            name: task.at("comm")?,
            files: task.at("files")?,
            fragment: task.at("task_frag")? + members(btf, "page_frag").at("page")?,
            table: members(btf, "files_struct").at("fdt")?,
            most_files: table.at("max_fds")?,
            descriptors: table.at("fd")?,
        })
    }
}

impl FileLayout {
    fn of(btf: &Btf<'_>) -> Result<Self> {
        let file = members(btf, "file");
        let references = file.at("f_ref");
        Ok(Self {
            operations: file.at("f_op")?,
            inode: file.at("f_inode")?,
            private: file.at("private_data")?,
            counts_from_zero: references.is_ok(),
            references: references.or_else(|_| file.at("f_count"))?,
            inode_number: members(btf, "inode").at("i_ino")?,
        })
    }
}

impl PipeLayout {
    fn of(btf: &Btf<'_>) -> Result<Self> {
        let pipe = members(btf, "pipe_inode_info");
        let buffer = members(btf, "pipe_buffer");
        let spare = pipe.at("tmp_page")?;
        // Linux 6.15 made it an array of two; the list of readers has always been behind it.
        let behind = pipe.at("fasync_readers")?;
        Ok(Self {
            head: pipe.at("head")?,
            tail: pipe.at("tail")?,
            slots: pipe.at("ring_size")?,
            spare,
            spares: if behind == spare + 16 { 2 } else { 1 },
            buffers: pipe.at("bufs")?,
            buffer_size: buffer.size()?,
            page: buffer.at("page")?,
            len: buffer.at("len")?,
            operations: buffer.at("ops")?,
        })
    }
}

impl SocketLayout {
    fn of(btf: &Btf<'_>) -> Result<Self> {
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
    fn of(btf: &Btf<'_>) -> Result<Self> {
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
    fn of(btf: &Btf<'_>) -> Result<Self> {
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
    fn of(btf: &Btf<'_>) -> Result<Self> {
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

impl PacketRingLayout {
    fn of(btf: &Btf<'_>) -> Result<Self> {
        let (sock, ring) = (
            members(btf, "packet_sock"),
            members(btf, "packet_ring_buffer"),
        );
        Ok(Self {
            receive: sock.at("rx_ring")?,
            send: sock.at("tx_ring")?,
            blocks: ring.at("pg_vec")?,
            count: ring.at("pg_vec_len")?,
            block_size: members(btf, "pgv").size()?,
        })
    }
}

impl PerfLayout {
    fn of(btf: &Btf<'_>) -> Result<Self> {
        let buffer = members(btf, "perf_buffer");
        Ok(Self {
            buffer: members(btf, "perf_event").at("rb")?,
            count: buffer.at("nr_pages")?,
            aux_count: buffer.at("aux_nr_pages")?,
            aux: buffer.at("aux_pages")?,
            user_page: buffer.at("user_page")?,
            data: buffer.at("data_pages")?,
        })
    }
}

impl IoUringLayout {
    fn of(btf: &Btf<'_>) -> Result<Self> {
        let ring = members(btf, "io_ring_ctx");
        let region = members(btf, "io_mapped_region");
        let regions = ["ring_region", "sq_region", "param_region"];
        let regions: Vec<_> = regions.iter().filter_map(|it| ring.at(it).ok()).collect();
        match region.at("pages") {
            Ok(pages) if !regions.is_empty() => Ok(Self::Regions {
                regions,
                pages,
                count: region.at("nr_pages")?,
            }),
            _ => Ok(Self::Pointers(vec![ring.at("rings")?, ring.at("sq_sqes")?])),
        }
    }
}

impl RegisteredLayout {
    fn of(btf: &Btf<'_>) -> Result<Self> {
        let (ring, table) = (members(btf, "io_ring_ctx"), members(btf, "io_rsrc_data"));
        let (buffer, part) = (members(btf, "io_mapped_ubuf"), members(btf, "bio_vec"));
        let parts = buffer.at("bvec")?;
        let (list, count, entries) = match ring.at("buf_table").ok().zip(table.at("nodes").ok()) {
            Some((at, nodes)) => {
                let node = members(btf, "io_rsrc_node").at("buf")?;
                (
                    at + nodes,
                    at + table.at("nr")?,
                    RegisteredEntries::Nodes(node),
                )
            }
            None => {
                let size = buffer.size()?;
                let entries = if parts == size {
                    RegisteredEntries::Pointers
                } else {
                    RegisteredEntries::Buffers(size)
                };
                (ring.at("user_bufs")?, ring.at("nr_user_bufs")?, entries)
            }
        };
        Ok(Self {
            list,
            count,
            entries,
            parts,
            part_count: buffer.at("nr_bvecs")?,
            part_size: part.size()?,
            page: part.at("bv_page")?,
            len: part.at("bv_len")?,
            offset: part.at("bv_offset")?,
        })
    }
}
