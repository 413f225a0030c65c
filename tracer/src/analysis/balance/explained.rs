//! What known holders explain of the memory that no counter accounts for.

use crate::model::{Balance, Certainty, Feature, HolderKind, KnownHolder, Line, VmallocCaller};

/// The line of what no counter accounts for.
const UNACCOUNTED: &str = "MemTotal - all above";

/// Takes what holders certainly have off what is unaccounted, and leaves the rest unexplained.
/// `vmalloc` is what vmalloc handed out, where that could be read.
pub fn explain(balance: &mut Balance, holders: &[KnownHolder], vmalloc: &[VmallocCaller]) {
    let exact = holders.iter().filter(|it| it.certainty == Certainty::Exact);
    let mut lines: Vec<_> = exact.map(|holder| line(holder, vmalloc)).collect();
    lines.retain(|line| line.bytes > 0);
    lines.sort_by_key(|line| -line.bytes);
    if lines.is_empty() {
        return;
    }
    let known = lines
        .iter()
        .fold(0_i64, |sum, it| sum.saturating_add(it.bytes));
    let unexplained = balance.unaccounted_bytes.saturating_sub(known);
    balance.unexplained_bytes = unexplained;
    if unexplained < 0 {
        balance.limitations.push(Feature::KnownHolders.degraded(
            "they are more than what no counter accounts for: counters moved while they were \
             read, or count some of it, too",
        ));
    }
    name_largest(balance, &lines, holders);
    lines.push(Line::leaf(
        "unexplained",
        "unaccounted - known holders",
        unexplained,
    ));
    let parts = &mut balance.tree.parts;
    if let Some(rest) = parts.iter_mut().find(|line| line.field == UNACCOUNTED) {
        rest.parts = lines;
    }
}

/// Blocks of a packet ring for which the page allocator had no room are of vmalloc, and counted
/// there (`alloc_one_pg_vec_page`, net/packet/af_packet.c).
fn line(holder: &KnownHolder, vmalloc: &[VmallocCaller]) -> Line {
    const CALLERS: [&str; 3] = ["alloc_one_pg_vec_page", "alloc_pg_vec", "packet_set_ring"];
    let counted = match holder.kind {
        HolderKind::PacketRings => vmalloc
            .iter()
            .filter(|caller| CALLERS.contains(&caller.function.as_str()))
            .fold(0_u64, |sum, caller| sum.saturating_add(caller.bytes)),
        _ => 0,
    };
    let bytes = holder.bytes.saturating_sub(counted);
    let bytes = bytes.try_into().unwrap_or(i64::MAX);
    Line::leaf(holder.kind.name(), &holder.source, bytes)
}

/// Where one holder has most of what is too much, it is what to look at next.
fn name_largest(balance: &mut Balance, lines: &[Line], holders: &[KnownHolder]) {
    let (Some(culprit), Some(largest)) = (&mut balance.verdict.culprit, lines.first()) else {
        return;
    };
    let mut holders = holders.iter().filter(|it| it.kind.name() == largest.name);
    let part = holders.next().and_then(|holder| holder.parts.first());
    if let Some(part) = part.filter(|_| largest.bytes > balance.unaccounted_bytes / 2)
        && culprit.field == UNACCOUNTED
    {
        culprit.next = format!("its {}: {}", largest.name, part.name);
    }
}

#[cfg(test)]
#[path = "explained_tests.rs"]
mod tests;
