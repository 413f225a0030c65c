//! Sockets and what their queues hold, for people and programs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{HoldersLosses, Host, Limitation, ObjectOwner, Seconds, SocketState, Tool};

/// Every socket of the machine at one moment, in all network namespaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SocketsReport {
    /// Its form.
    pub schema: SocketsSchema,
    /// What made it.
    pub tool: Tool,
    /// Where.
    pub host: Host,
    /// When.
    pub taken_at: Timestamp,
    /// How long it took to look.
    pub seconds: Seconds,
    /// The network namespace of whoever looked, by its number; 0 if it could not be read.
    pub own_netns: u64,
    /// The sums of all sockets.
    pub totals: SocketTotals,
    /// The sums of each protocol, most memory first.
    pub protocols: Vec<ProtocolTotals>,
    /// The memory that TCP accounts for on the whole machine, and its limits; none if they could not be
    /// read.
    pub tcp: Option<TcpMemory>,
    /// Each socket, most memory first.
    pub sockets: Vec<SocketEntry>,
    /// What could not be followed; none where no queue was.
    pub losses: Option<HoldersLosses>,
    /// What could not be read.
    pub limitations: Vec<Limitation>,
}

/// What TCP accounts for, and where it begins to save (`net.ipv4.tcp_mem`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpMemory {
    /// What all its sockets account for.
    pub bytes: u64,
    /// From here on buffers grow no more.
    pub pressure_bytes: u64,
    /// More it does not take.
    pub limit_bytes: u64,
}

/// Sums of sockets, each of what is known; none where it is not known of any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketTotals {
    /// How many there are.
    pub sockets: u64,
    /// Packets in their queues.
    pub skbs: Option<u64>,
    /// The packets' data.
    pub payload_bytes: Option<u64>,
    /// What the kernel accounts for the packets.
    pub truesize_bytes: Option<u64>,
    /// Whole blocks of page frames that they refer to, each once for each socket.
    pub pinned_bytes: Option<u64>,
}

/// The sockets of a protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolTotals {
    /// The protocol.
    pub protocol: String,
    /// The sums of its sockets.
    #[serde(flatten)]
    pub totals: SocketTotals,
}

/// A socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketEntry {
    /// Who has it.
    #[serde(flatten)]
    pub owner: ObjectOwner,
    /// The state of the first process: `R`, `S`, `D`, `T` … as in proc(5).
    pub process_state: Option<char>,
    /// Its protocol, addresses and memory.
    #[serde(flatten)]
    pub socket: SocketState,
    /// Packets in its queues; this and what follows is none where they were not followed.
    pub skbs: Option<u64>,
    /// The packets' data.
    pub payload_bytes: Option<u64>,
    /// What the kernel accounts for the packets (`truesize`): where queues were not followed, by the
    /// socket's own account, in which a unix socket has what others have not read.
    pub truesize_bytes: Option<u64>,
    /// Whole blocks of page frames that it refers to, those of its rings as well; where they were not
    /// followed, those of its rings.
    pub pinned_bytes: Option<u64>,
    /// Bytes of these that are free once it is closed.
    pub frees_bytes: Option<u64>,
    /// When its oldest packet was received, in nanoseconds since 1970, where somebody asked the kernel to
    /// note it.
    pub oldest_ns: Option<u64>,
    /// How long ago that was, in seconds.
    pub oldest_seconds: Option<Seconds>,
    /// Whether a queue was changed while it was followed, so that there is more in it.
    pub truncated: bool,
}

impl SocketEntry {
    /// The memory that it takes, by whichever of the kernel's accounts knows more of it; where none is
    /// known, what is in its queues.
    pub fn memory_bytes(&self) -> u64 {
        let memory = self.pinned_bytes.max(self.truesize_bytes);
        memory.unwrap_or_else(|| self.socket.unread_and_unsent())
    }
}

/// The form of what `pagetrace sock --json` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SocketsSchema {
    /// This one.
    #[default]
    #[serde(rename = "pagetrace.sockets/1")]
    V1,
}
