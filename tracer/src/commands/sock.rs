//! `pagetrace sock`: what the queues of every socket hold, in all network namespaces.

use std::process::ExitCode;

use anyhow::Result;

use super::{
    answer::Answer,
    holding::{self, Look},
    take,
};
use crate::{
    analysis,
    cli::SockArgs,
    kernel::host,
    model::{Snapshot, SocketsReport, SocketsSchema, Tool},
    render,
};

/// Follows the queues of every socket, and writes what they hold as the options say.
pub fn run(args: &SockArgs) -> Result<ExitCode> {
    let answer = Answer::open(args.json.as_ref(), args.top, args.verbose)?;
    let report = match &args.from {
        Some(input) => {
            let of_snapshot = |it: Snapshot| it.sockets;
            take::part(input, of_snapshot, "sockets' queues")?
        }
        None => report(&holding::look(false)?)?,
    };
    answer.write(&report, render::sockets)
}

/// Every socket, by a look at them.
pub(super) fn report(look: &Look) -> Result<SocketsReport> {
    let sockets = analysis::sockets(&look.found, &look.held, &look.about, look.taken_at);
    let (totals, protocols) = analysis::socket_totals(&sockets);
    Ok(SocketsReport {
        schema: SocketsSchema::V1,
        tool: Tool::own(),
        host: host::running()?,
        taken_at: look.taken_at,
        seconds: look.seconds,
        own_netns: host::network_namespace(),
        totals,
        protocols,
        tcp: host::tcp_memory(),
        sockets,
        losses: look.losses,
        limitations: look.limitations.clone(),
    })
}
