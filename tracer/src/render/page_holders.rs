//! Who holds page frames, for people: two lines each, who and what it is worth.

use std::io::{self, Write};

use super::{
    escape::harmless,
    styles::{CULPRIT, FAINT, HEADING},
    table::Extent,
    text,
};
use crate::model::{
    ContentClass, Explanation, HolderGroup, HoldersBy, HoldersLosses, HoldersReport, Limitation,
    PointersToImage, ReferrerKind,
};

/// Writes who holds what no counter explains; the writer may take colours out again.
pub fn holders(report: &HoldersReport, extent: Extent, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, "{HEADING}{}{HEADING:#}", sentence(report))?;
    if report.by == HoldersBy::Cgroup {
        cgroups(report, extent, out)?;
    }
    writeln!(
        out,
        "\n{HEADING}{:>12} {:>12}{}  HELD BY{HEADING:#}",
        "PINNED",
        "PAYLOAD",
        report.baseline.map_or("", |_| "        GROWN")
    )?;
    let shown = match (extent.whole, &report.explanation) {
        (true, _) => usize::MAX,
        (false, None) => extent.top,
        (false, Some(_)) => extent.top.div_ceil(2),
    };
    for group in report.groups.iter().take(shown) {
        holder(group, out)?;
    }
    more(report, shown, out)?;
    unheld(report, out)?;
    if let Some(explanation) = &report.explanation {
        explained(explanation, extent, out)?;
    }
    losses(&report.losses, &report.limitations, extent, out)?;
    let (host, taken_at) = (text::host(&report.host), report.taken_at);
    let seconds = report.seconds.count();
    writeln!(out, "{host}; {taken_at:.0}; looked at in {seconds:.2} s")
}

/// Writes what control groups are charged for, and what their processes hold that nobody is charged
/// for.
fn cgroups(report: &HoldersReport, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    let [charged, uncharged] = ["CHARGED", "NOT CHARGED"];
    writeln!(
        out,
        "\n{HEADING}{charged:>12} {uncharged:>12}  CGROUP{HEADING:#}"
    )?;
    let shown = if extent.whole { usize::MAX } else { extent.top };
    for group in report.cgroups.iter().take(shown) {
        let bytes = [group.charged_bytes, group.held_uncharged_bytes].map(text::bytes);
        let name = group
            .cgroup
            .as_deref()
            .unwrap_or("(not known, or of no process)");
        let pod = group
            .pod
            .as_deref()
            .map(|pod| format!(" (pod {})", harmless(pod)));
        let [charged, uncharged] = bytes;
        writeln!(
            out,
            "{charged:>12} {uncharged:>12}  {}{}",
            harmless(name),
            pod.unwrap_or_default()
        )?;
    }
    Ok(())
}

fn sentence(report: &HoldersReport) -> String {
    let totals = &report.totals;
    let all = text::bytes(totals.unexplained_bytes);
    let Some(first) = report.groups.first() else {
        return format!("{all} are in no counter of their own; nothing was found that holds them");
    };
    format!(
        "{} of {all} that no counter explains have a holder; {}",
        text::bytes(totals.held_bytes),
        most(report, first)
    )
}

/// Who has most, or has grown most since the baseline.
fn most(report: &HoldersReport, first: &HolderGroup) -> String {
    let name = harmless(&first.name);
    let Some(baseline) = report.baseline else {
        return format!(
            "most have {name}: {}",
            text::bytes(first.account.pinned_bytes)
        );
    };
    let growth = first.growth_bytes.unwrap_or(0);
    let since = format!("since {:.0}", baseline.taken_at);
    if growth > baseline.unheld_growth_bytes.max(0) {
        return format!(
            "{name} grew most, by {} {since}",
            text::signed_bytes(growth)
        );
    }
    match baseline.unheld_growth_bytes {
        ..=0 => format!("nothing grew {since}"),
        unheld => format!(
            "what nothing was found to hold grew most, by {} {since}",
            text::signed_bytes(unheld)
        ),
    }
}

fn holder(group: &HolderGroup, out: &mut impl Write) -> io::Result<()> {
    let pinned = text::bytes(group.account.pinned_bytes);
    let payload = text::bytes(group.account.payload_bytes);
    let mark = if group.account.unconfirmed > 0 {
        "~"
    } else {
        " "
    };
    let state = group.state.and_then(state).map(|it| format!(", {it}"));
    let grown = group
        .growth_bytes
        .map(|it| format!(" {:>12}", text::change(it)));
    writeln!(
        out,
        "{pinned:>12}{mark}{payload:>12}{}  {CULPRIT}{}{CULPRIT:#}{}",
        grown.as_deref().unwrap_or_default(),
        harmless(&group.name),
        state.unwrap_or_default()
    )?;
    let indent = if grown.is_some() { 40 } else { 27 };
    writeln!(out, "{FAINT}{:indent$}{}{FAINT:#}", "", promise(group))
}

/// What a process does that answers why nobody reads.
pub(super) const fn state(letter: char) -> Option<&'static str> {
    match letter {
        'T' | 't' => Some("stopped"),
        'D' => Some("waits in the kernel (D)"),
        'Z' | 'X' => Some("ended"),
        _ => None,
    }
}

/// `references 1,280 of 1,280 found: to close it frees 5.00 MiB`.
fn promise(group: &HolderGroup) -> String {
    let (found, counted) = (
        group.account.references_found,
        group.account.references_counted,
    );
    let found = text::count(found);
    let it = if group.objects == 1 { "it" } else { "them" };
    if counted == 0 {
        return format!("{found} references found; a page pool takes the page frames back");
    }
    let references = format!("references {found} of {} found", text::count(counted));
    if group.account.frees_bytes == group.account.pinned_bytes {
        return format!("{references}: to close {it} frees all of it");
    }
    let growth = format!(
        "to close {it} frees {}",
        text::bytes(group.account.frees_bytes)
    );
    let rest = text::bytes(
        group
            .account
            .pinned_bytes
            .saturating_sub(group.account.frees_bytes),
    );
    format!("{references}: {growth}; others hold {rest} as well")
}

fn more(report: &HoldersReport, shown: usize, out: &mut impl Write) -> io::Result<()> {
    let Some(rest) = report.groups.get(shown..).filter(|it| !it.is_empty()) else {
        return Ok(());
    };
    let pinned = rest.iter().map(|it| it.account.pinned_bytes);
    let pinned = text::bytes(pinned.fold(0, u64::saturating_add));
    let holders = text::counted(rest.len() as u64, "more holder");
    writeln!(
        out,
        "{FAINT}{pinned:>12} {:12}  {holders} with --verbose{FAINT:#}",
        ""
    )
}

fn unheld(report: &HoldersReport, out: &mut impl Write) -> io::Result<()> {
    let bytes = text::bytes(report.totals.unheld_bytes);
    let mut uses: Vec<_> = report
        .unheld
        .iter()
        .filter(|(_, bytes)| **bytes > 0)
        .collect();
    uses.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
    let uses = uses
        .iter()
        .map(|(page_use, bytes)| format!("{} {}", text::bytes(**bytes), page_use.title()));
    let uses: Vec<_> = uses.take(3).collect();
    writeln!(
        out,
        "{bytes:>12} {:12}  held by nothing that was found: {}",
        "",
        uses.join("; ")
    )?;
    if let Some(per_cpu) = report.totals.per_cpu_bytes {
        let per_cpu = text::bytes(per_cpu);
        writeln!(
            out,
            "{FAINT}{:27}of that, {per_cpu} are per-CPU memory (Percpu){FAINT:#}",
            ""
        )?;
    }
    Ok(())
}

/// Writes what points to page frames without a holder, and what they contain.
fn explained(it: &Explanation, extent: Extent, out: &mut impl Write) -> io::Result<()> {
    let shown = if extent.whole {
        usize::MAX
    } else {
        extent.top.div_ceil(2)
    };
    let compared = text::bytes(it.compared_bytes);
    writeln!(
        out,
        "{HEADING}Of {} without a holder, so many are pointed to in {compared} of slabs and vmalloc{HEADING:#}",
        text::counted(it.pages, "page")
    )?;
    for referrer in it.referrers.iter().take(shown) {
        let name = referrer.name.as_deref().unwrap_or("(not known)");
        let what = match referrer.kind {
            ReferrerKind::SlabCache => "slab cache",
            ReferrerKind::Vmalloc => "vmalloc by",
        };
        let pages = text::count(referrer.pages);
        let known = referrer.known.as_deref();
        let known = known.map(|it| format!(" ({})", harmless(it)));
        let known = known.unwrap_or_default();
        writeln!(out, "{pages:>12}  {what} {}{known}", harmless(name))?;
    }
    let contents = it.contents.iter();
    let contents: Vec<_> = contents
        .map(|it| format!("{} {}", text::count(it.pages), it.class.name()))
        .collect();
    writeln!(out, "Their content: {}", contents.join(", "))?;
    let mut classes = it.contents.iter().map(|it| it.class);
    if classes.any(|class| class == ContentClass::Pointers) {
        writeln!(out, "{}", pointers(it.pointers.as_ref(), extent))?;
    }
    Ok(())
}

/// `Pointers: 40 to ext4_file_operations [ext4], 12 to tcp_v4_rcv, 3 to what has no name`.
fn pointers(pointers: Option<&PointersToImage>, extent: Extent) -> String {
    /// What fits in a line.
    const SHOWN: usize = 4;
    let Some(pointers) = pointers else {
        return "Pointers to kernel text and data: not named, as the kernel hides its addresses"
            .to_owned();
    };
    let shown = if extent.whole { usize::MAX } else { SHOWN };
    let symbols = pointers.symbols.iter().take(shown).map(|it| {
        let name = text::with_module(&it.symbol, it.module.as_deref());
        format!("{} to {name}", text::count(it.pointers))
    });
    let others = pointers.symbols.iter().skip(shown);
    let others = others.map(|it| it.pointers).fold(0, u64::saturating_add);
    let rest = [
        (others, "other symbols"),
        (pointers.unnamed, "what has no name"),
    ];
    let rest = rest.into_iter().filter(|(pointers, _)| *pointers > 0);
    let rest = rest.map(|(pointers, what)| format!("{} to {what}", text::count(pointers)));
    let parts: Vec<_> = symbols.chain(rest).collect();
    if parts.is_empty() {
        return "Pointers to kernel text and data: none".to_owned();
    }
    format!("Pointers to kernel text and data: {}", parts.join(", "))
}

/// Writes what a walk could not follow.
pub(super) fn losses(
    losses: &HoldersLosses,
    limitations: &[Limitation],
    extent: Extent,
    out: &mut impl Write,
) -> io::Result<()> {
    let counts = [
        (losses.raced_queues, "changed queue"),
        (losses.unconfirmed_references, "unconfirmed reference"),
        (losses.unreadable_objects, "unreadable object"),
        (losses.stray_pointers, "stray pointer"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts
        .map(|(count, what)| text::counted(count, what))
        .collect();
    if !counts.is_empty() {
        writeln!(out, "{FAINT}Not followed: {}{FAINT:#}", counts.join(", "))?;
    }
    let shown = if extent.whole { usize::MAX } else { 2 };
    for limitation in limitations.iter().take(shown) {
        writeln!(out, "{FAINT}{}{FAINT:#}", text::limitation(limitation))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "page_holders_tests.rs"]
mod tests;
