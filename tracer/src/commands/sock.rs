//! `pagetrace sock`: what the queues of every socket hold, in all network namespaces.

use std::{process::ExitCode, time::Instant};

use anyhow::Result;
use jiff::Timestamp;

use super::{
    answer::Answer,
    holding::{self, Look},
    take,
};
use crate::{
    analysis,
    cli::SockArgs,
    kernel::host,
    model::{
        Feature, Limitation, Seconds, Snapshot, SocketEntry, SocketsReport, SocketsSchema, Tool,
    },
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
        None if args.no_bpf => listed("--no-bpf was given")?,
        None => match holding::look(false) {
            Ok(look) => report(&look)?,
            Err(error) => listed(&render::sentence(&error))?,
        },
    };
    answer.write(&report, render::sockets)
}

/// Every socket, by a look at them.
pub(super) fn report(look: &Look) -> Result<SocketsReport> {
    let sockets = analysis::sockets(&look.found, &look.held, &look.about, look.taken_at);
    Ok(SocketsReport {
        losses: Some(look.losses),
        ..report_of(
            sockets,
            look.taken_at,
            look.seconds,
            look.limitations.clone(),
        )?
    })
}

/// Every socket as the kernel lists it, and why their queues were not followed.
pub(super) fn listed(why: &str) -> Result<SocketsReport> {
    let (taken_at, started) = (Timestamp::now(), Instant::now());
    let (mut sockets, unread) = host::sockets();
    analysis::sort_sockets(&mut sockets);
    let mut limitations = vec![not_followed(why)];
    limitations.extend(unread);
    report_of(sockets, taken_at, started.elapsed().into(), limitations)
}

fn not_followed(why: &str) -> Limitation {
    Feature::SocketQueues.degraded(format!(
        "{why}; so packets, their data and age, their page frames, and what is in flight are not \
         known, and truesize is the socket's own account: what a unix socket sent counts for it \
         until it is read"
    ))
}

fn report_of(
    sockets: Vec<SocketEntry>,
    taken_at: Timestamp,
    seconds: Seconds,
    limitations: Vec<Limitation>,
) -> Result<SocketsReport> {
    let (totals, protocols) = analysis::socket_totals(&sockets);
    Ok(SocketsReport {
        schema: SocketsSchema::V1,
        tool: Tool::own(),
        host: host::running()?,
        taken_at,
        seconds,
        own_netns: host::network_namespace(),
        totals,
        protocols,
        tcp: host::tcp_memory(),
        sockets,
        losses: None,
        limitations,
    })
}
