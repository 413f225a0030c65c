//! A socket and its queues.

use serde::{Deserialize, Serialize};

/// What a socket says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketState {
    /// Its protocol: `tcp`, `tcp6`, `raw6`, `unix-stream`, `packet` …
    pub protocol: String,
    /// Its state, as `ss` calls it.
    pub state: String,
    /// Its address, or the name that it is bound to; of netlink, the protocol.
    pub local: Option<String>,
    /// What it is connected to.
    pub remote: Option<String>,
    /// The number of its network namespace, as `/proc/PID/ns/net` has it; 0 if it could not be read.
    pub netns: u64,
    /// What it belongs to.
    pub belongs_to: SocketOwner,
    /// What is to be read, as `ss` has it: bytes of data for TCP and unix sockets, of unix datagrams those
    /// of the first; else of memory; of a listener, connections that wait. This and what follows is none
    /// where the kernel was asked and does not tell.
    pub recv_q: Option<u64>,
    /// What is to be sent, likewise; of a listener, how many connections may wait.
    pub send_q: Option<u64>,
    /// Memory that received packets account for (`sk_rmem_alloc`).
    pub received_bytes: Option<u64>,
    /// At most so much (`sk_rcvbuf`).
    pub receive_limit_bytes: Option<u64>,
    /// Memory that packets to be sent account for (`sk_wmem_queued`).
    pub queued_bytes: Option<u64>,
    /// At most so much (`sk_sndbuf`).
    pub send_limit_bytes: Option<u64>,
    /// Packets that were dropped, as there was no room (`sk_drops`).
    pub drops: Option<u64>,
}

impl SocketState {
    /// Its protocol and addresses: `tcp 10.0.0.1:80 -> 10.0.0.2:4711`.
    pub fn name(&self) -> String {
        let mut name = self.protocol.clone();
        if let Some(local) = &self.local {
            name += &format!(" {local}");
        }
        if let Some(remote) = &self.remote {
            name += &format!(" -> {remote}");
        }
        name
    }

    /// What is to be read and to be sent, as far as it is known; a listener has only connections.
    pub fn unread_and_unsent(&self) -> u64 {
        let queues = [self.recv_q, self.send_q].into_iter().flatten();
        match self.state.as_str() {
            "LISTEN" => 0,
            _ => queues.fold(0, u64::saturating_add),
        }
    }
}

/// What a socket belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketOwner {
    /// A file, which processes may have descriptors of.
    #[default]
    File,
    /// The kernel, which made it for itself.
    Kernel,
    /// Nobody: its process has closed it, and the protocol still works on it; or no process has accepted
    /// it yet.
    Nobody,
    /// A file that no process was seen to have a descriptor of, or the kernel.
    Unknown,
}

/// What was found in a socket's queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walked {
    /// Packets (`struct sk_buff`).
    pub skbs: u64,
    /// Their data.
    pub payload_bytes: u64,
    /// What the kernel accounts for them (`truesize`).
    pub truesize_bytes: u64,
    /// When the oldest was received, in nanoseconds since 1970, where somebody asked the kernel to note it.
    pub oldest_ns: Option<u64>,
    /// Whether a queue was changed while it was followed, so that there is more in it.
    pub truncated: bool,
}
