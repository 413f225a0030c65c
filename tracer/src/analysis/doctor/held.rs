//! Pipes, sockets and rings that hold much, and whether anybody takes it out.

use super::{Facts, sites};
use crate::{
    analysis::{balance::signed, holder_names},
    model::{
        Cause, Entry, Feature, Finding, Gravity, HeldBy, HeldCause, HolderGroup, HoldersReport,
        ObjectKind, PageHolder, Reason, Remedy, Sureness, TakenBy,
    },
};

/// Those that hold much at the end.
pub(super) fn held(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(after) = &facts.evidence.after.page_holders else {
        return Vec::new();
    };
    let groups = after.groups.iter();
    let groups = groups.filter(|it| it.account.pinned_bytes >= facts.large);
    groups
        .filter_map(|group| finding(group, after, facts))
        .collect()
}

fn finding(group: &HolderGroup, after: &HoldersReport, facts: &Facts<'_>) -> Option<Finding> {
    let members = after.holders.iter();
    let mut members = members.filter(|it| holder_names::key(it, after.by) == group.key);
    let largest = members.next()?;
    let before = pinned_before(group, facts);
    let growth = before.map(|it| signed(group.account.pinned_bytes).saturating_sub(signed(it)));
    let reasons = reasons(group, largest, growth, facts);
    Some(Finding {
        gravity: gravity(largest, &reasons),
        bytes: group.account.pinned_bytes,
        growth_bytes: growth,
        certainty: certainty(group),
        remedies: remedies(group, largest),
        cause: Cause::Held(Box::new(HeldCause {
            object: largest.kind,
            name: group.name.clone(),
            key: group.key.clone(),
            objects: group.objects,
            owner: largest.owner.clone(),
            state: group.state,
            account: group.account,
            socket: largest.socket.clone(),
            reasons,
            taken_by: taken_by(group, facts),
        })),
    })
}

/// What the same objects held at the beginning; none if nobody could look.
fn pinned_before(group: &HolderGroup, facts: &Facts<'_>) -> Option<u64> {
    let before = facts.evidence.before.page_holders.as_ref()?;
    let mut same = before.groups.iter().filter(|it| it.key == group.key);
    Some(same.next().map_or(0, |it| it.account.pinned_bytes))
}

/// Whoever reads a queue empties it: one that is as full at both looks, of page frames that were taken
/// before, has no reader.
fn reasons(
    group: &HolderGroup,
    largest: &PageHolder,
    growth: Option<i64>,
    facts: &Facts<'_>,
) -> Vec<Reason> {
    const WASTE: u64 = 4;
    let (pinned, payload) = (group.account.pinned_bytes, group.account.payload_bytes);
    let grew = growth.is_some_and(|it| it >= signed(facts.large / 4));
    let is_as_full = growth.is_some_and(|it| it >= -signed(pinned / 10));
    let is_old = recent_bytes(group, facts).is_some_and(|it| it <= pinned / 10);
    let holding = largest.owner.holding;
    let is_unreachable = [HeldBy::Unknown, HeldBy::Orphan]
        .map(Some)
        .contains(&holding);
    let reasons = [
        (Reason::Stopped, is_stopped(group)),
        (Reason::Grew, grew),
        (Reason::Unread, !grew && is_as_full && is_old),
        (Reason::Wasteful, pinned / WASTE >= payload),
        (Reason::Unreachable, is_unreachable),
        (Reason::Unsent, waits_to_be_sent(largest)),
    ];
    let reasons = reasons.into_iter().filter(|(_, holds)| *holds);
    reasons.map(|(reason, _)| reason).collect()
}

fn waits_to_be_sent(holder: &PageHolder) -> bool {
    let socket = holder.socket.as_ref();
    socket.is_some_and(|it| it.queued_bytes > it.received_bytes)
}

const fn is_stopped(group: &HolderGroup) -> bool {
    matches!(group.state, Some('T' | 't'))
}

/// What it holds of what was taken while it was watched; none if the trace does not tell who holds what.
fn recent_bytes(group: &HolderGroup, facts: &Facts<'_>) -> Option<u64> {
    let trace = facts.evidence.trace.as_ref()?;
    if trace.limitation(Feature::PageHolders).is_some() {
        return None;
    }
    let entries = facts.traced.iter().flat_map(|it| &it.entries);
    let pages = entries.map(|entry| pages_of(group, entry)).sum::<u64>();
    Some(pages.saturating_mul(facts.evidence.after.memory.page_size))
}

fn pages_of(group: &HolderGroup, entry: &Entry) -> u64 {
    let held = entry.held_by.iter();
    let of_group = held.filter(|held| held.key == group.key);
    of_group.map(|it| it.pages).sum()
}

/// A ring has the size that its owner asked for, whatever is in it. A queue is lost memory where nobody
/// empties it; what waits to be sent waits for somebody else.
fn gravity(holder: &PageHolder, reasons: &[Reason]) -> Gravity {
    let has = |reason| reasons.contains(&reason);
    let is_queue = matches!(
        holder.kind,
        ObjectKind::Pipe | ObjectKind::Socket | ObjectKind::TunQueue
    );
    let is_left = [Reason::Stopped, Reason::Grew, Reason::Unread].map(has);
    match is_queue {
        false if has(Reason::Unreachable) => Gravity::Suspicious,
        false => Gravity::Information,
        true if is_left.contains(&true) && !has(Reason::Unsent) => Gravity::Leak,
        true => Gravity::Suspicious,
    }
}

fn certainty(group: &HolderGroup) -> Sureness {
    let account = &group.account;
    let all = account.references_found == account.references_counted;
    if all && account.unconfirmed == 0 {
        Sureness::Counted
    } else {
        Sureness::Likely
    }
}

/// Who took most of what it holds, of what was taken while it was watched.
fn taken_by(group: &HolderGroup, facts: &Facts<'_>) -> Option<TakenBy> {
    let entries = facts.traced.iter().flat_map(|it| &it.entries);
    let entry = entries.max_by_key(|entry| pages_of(group, entry))?;
    let taken = TakenBy {
        pages: pages_of(group, entry),
        ..sites::taken_by(entry)
    };
    (taken.pages > 0).then_some(taken)
}

fn remedies(group: &HolderGroup, holder: &PageHolder) -> Vec<Remedy> {
    let frees = group.account.frees_bytes;
    let Some(pid) = holder.owner.pid else {
        return Vec::new();
    };
    let pids = holder.owner.pids.iter().map(|pid| format!(" {pid}"));
    // A process that is stopped takes no other signal before it goes on (`get_signal`, kernel/signal.c).
    let kill = if is_stopped(group) {
        "kill -KILL"
    } else {
        "kill"
    };
    let kill = Remedy::giving(format!("{kill}{}", pids.collect::<String>()), frees);
    // What a debugger has stopped goes on when the debugger says so.
    let goes_on = group.state == Some('T') && !waits_to_be_sent(holder);
    let go_on = goes_on.then(|| Remedy::giving(format!("kill -CONT {pid}"), frees));
    let restart = holder.owner.cgroup.as_deref().and_then(service);
    let restart = restart.map(|unit| Remedy::giving(format!("systemctl restart {unit}"), frees));
    let close = (group.objects == 1).then(|| close(holder, pid, frees));
    let remedies = go_on.into_iter().chain(restart).chain([kill]);
    remedies.chain(close.flatten()).collect()
}

/// The unit of systemd whose control group this is.
pub(super) fn service(cgroup: &str) -> Option<&str> {
    let name = cgroup.rsplit('/').next()?;
    name.ends_with(".service").then_some(name)
}

/// Closes a connection from outside (`SOCK_DESTROY`, which knows TCP, UDP and raw sockets).
fn close(holder: &PageHolder, pid: u32, frees: u64) -> Option<Remedy> {
    let socket = holder.socket.as_ref()?;
    let remote = socket.remote.as_ref()?;
    let is_tcp = socket.protocol.starts_with("tcp");
    is_tcp.then(|| Remedy::giving(format!("nsenter -t {pid} -n ss -K dst {remote}"), frees))
}
