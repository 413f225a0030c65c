//! Sockets and what their queues hold, a line each.

use std::io::{self, Write};

use super::{
    escape::harmless,
    page_holders,
    styles::{CULPRIT, FAINT, HEADING},
    table::Extent,
    text,
};
use crate::model::{HeldBy, SocketEntry, SocketTotals, SocketsReport};

/// What is not known.
const UNKNOWN: &str = "-";

/// Writes the sockets that take most memory; the writer may take colours out again.
pub fn sockets(report: &SocketsReport, extent: Extent, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, "{HEADING}{}{HEADING:#}", sentence(report))?;
    writeln!(out, "{FAINT}{}{FAINT:#}", protocols(report))?;
    if let Some(tcp) = report
        .tcp
        .filter(|it| extent.whole || it.bytes > it.pressure_bytes)
    {
        let [bytes, pressure, limit] =
            [tcp.bytes, tcp.pressure_bytes, tcp.limit_bytes].map(text::bytes);
        writeln!(
            out,
            "TCP accounts for {bytes}; it saves from {pressure} on, and takes {limit} at most"
        )?;
    }
    let [pinned, truesize, payload, skbs, receive, send] =
        ["PINNED", "TRUESIZE", "PAYLOAD", "SKBS", "RECV-Q", "SEND-Q"];
    writeln!(
        out,
        "\n{HEADING}{pinned:>10} {truesize:>10} {payload:>10}  EFF {skbs:>8} {receive:>10} {send:>10}  SOCKET{HEADING:#}"
    )?;
    let holds = |it: &&SocketEntry| extent.whole || it.memory_bytes() > 0;
    let mut rows = report.sockets.iter().filter(holds);
    let shown = if extent.whole { usize::MAX } else { extent.top };
    for socket in rows.by_ref().take(shown) {
        row(socket, report.own_netns, out)?;
    }
    let rest = rows.count() as u64;
    if rest > 0 {
        let sockets = text::counted(rest, "more socket");
        writeln!(out, "{FAINT}{sockets} with --verbose{FAINT:#}")?;
    }
    // Where sockets were only listed, all that is lost is said.
    let whole = extent.whole || report.losses.is_none();
    let losses = report.losses.unwrap_or_default();
    let extent = Extent { whole, ..extent };
    page_holders::losses(&losses, &report.limitations, extent, out)?;
    let (host, taken_at) = (text::host(&report.host), report.taken_at);
    let seconds = report.seconds.count();
    writeln!(out, "{host}; {taken_at:.0}; looked at in {seconds:.2} s")
}

fn sentence(report: &SocketsReport) -> String {
    let holds = match report.losses {
        Some(_) => followed(&report.totals),
        None => listed(&report.totals),
    };
    match report.sockets.first() {
        Some(first) if first.memory_bytes() > 0 => {
            let how = || held_by(first).unwrap_or("of no process");
            let whose = whose(first).unwrap_or_else(|| how().to_owned());
            format!("{holds}; most have {}, {whose}", address(first))
        }
        _ => holds,
    }
}

/// What sockets hold whose queues were followed.
fn followed(totals: &SocketTotals) -> String {
    let [pinned, payload] = [totals.pinned_bytes, totals.payload_bytes].map(|it| it.unwrap_or(0));
    format!(
        "{} hold {} in page frames for {} of data in {}",
        text::counted(totals.sockets, "socket"),
        text::bytes(pinned),
        text::bytes(payload),
        text::counted(totals.skbs.unwrap_or(0), "packet")
    )
}

/// What sockets account for that the kernel has listed.
fn listed(totals: &SocketTotals) -> String {
    let sockets = text::counted(totals.sockets, "socket");
    let truesize = known_bytes(totals.truesize_bytes);
    let rings = totals.pinned_bytes.map(text::bytes);
    let rings = rings.map(|rings| format!(", and have rings of {rings}"));
    let rings = rings.unwrap_or_default();
    format!("{sockets} account for {truesize} of packets{rings}")
}

/// `unix-stream 12, tcp 7, netlink 3`.
fn protocols(report: &SocketsReport) -> String {
    let protocols = report.protocols.iter();
    let protocols: Vec<_> = protocols
        .map(|it| format!("{} {}", it.protocol, text::count(it.totals.sockets)))
        .collect();
    protocols.join(", ")
}

fn row(socket: &SocketEntry, own_netns: u64, out: &mut impl Write) -> io::Result<()> {
    let [pinned, truesize, payload] = [
        socket.pinned_bytes,
        socket.truesize_bytes,
        socket.payload_bytes,
    ]
    .map(known_bytes);
    let mark = if socket.truncated { "~" } else { " " };
    let [skbs, receive, send] =
        [socket.skbs, socket.socket.recv_q, socket.socket.send_q].map(known_count);
    writeln!(
        out,
        "{pinned:>10} {truesize:>10} {payload:>10} {:>4} {skbs:>8}{mark}{receive:>10} {send:>10}  {}",
        efficiency(socket),
        name(socket, own_netns)
    )
}

fn known_bytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| UNKNOWN.to_owned(), text::bytes)
}

fn known_count(count: Option<u64>) -> String {
    count.map_or_else(|| UNKNOWN.to_owned(), text::count)
}

/// Data by the memory that it takes, as `9%`; nothing of a socket that holds nothing.
fn efficiency(socket: &SocketEntry) -> String {
    match (socket.payload_bytes, socket.memory_bytes()) {
        (None, _) => UNKNOWN.to_owned(),
        (Some(_), 0) => String::new(),
        (Some(payload), bytes) => format!("{:.0}%", 100.0 * payload as f64 / bytes as f64),
    }
}

/// `tcp 10.0.0.1:80 -> 10.0.0.2:4711 ESTAB, nginx (pid 7, fd 12), stopped, netns 4026532001`.
fn name(socket: &SocketEntry, own_netns: u64) -> String {
    let mut name = format!("{CULPRIT}{}{CULPRIT:#}", address(socket));
    name += &format!(" {}", socket.socket.state);
    if let Some(whose) = whose(socket) {
        name += &format!(", {whose}");
    }
    let state = socket.process_state.and_then(page_holders::state);
    for note in state.into_iter().chain(held_by(socket)) {
        name += &format!(", {note}");
    }
    if ![0, own_netns].contains(&socket.socket.netns) {
        name += &format!(", netns {}", socket.socket.netns);
    }
    if let Some(drops) = socket.socket.drops.filter(|&drops| drops > 0) {
        name += &format!(", {}", text::counted(drops, "drop"));
    }
    if let Some(oldest) = socket.oldest_seconds {
        name += &format!(", oldest {:.0} s", oldest.count());
    }
    name
}

fn address(socket: &SocketEntry) -> String {
    harmless(&socket.socket.name()).into_owned()
}

fn whose(socket: &SocketEntry) -> Option<String> {
    let owner = &socket.owner;
    let name = owner.name(owner.descriptor().as_deref())?;
    Some(harmless(&name).into_owned())
}

fn held_by(socket: &SocketEntry) -> Option<&'static str> {
    socket.owner.holding.and_then(HeldBy::name)
}

#[cfg(test)]
#[path = "sockets_tests.rs"]
mod tests;
