//! What a finding is about, in words.

use super::text;
use crate::{
    model::{
        Book, Cause, DifferenceCause, FileSystemCause, Finding, HeldCause, KnownMemory, NextKill,
        Peek, ProcessCause, Reason, SiteCause, SocketState, TakenBy,
    },
    render::{cgroup, escape::harmless, page_holders, peek, shm::words, trend},
};

/// A line of facts: its name, and what it says.
pub(in crate::render) type Fact = (&'static str, String);

/// The finding in one sentence.
pub(in crate::render) fn headline(finding: &Finding) -> String {
    let (name, bytes) = (name(&finding.cause), text::bytes(finding.bytes));
    let grew = finding.growth_bytes.filter(|&it| it != 0).map(text::change);
    let grew = grew.map(|it| format!(" ({it})")).unwrap_or_default();
    match &finding.cause {
        Cause::Held(it) => {
            let hold = if it.objects > 1 { "hold" } else { "holds" };
            let comma = state(it).map_or("", |_| ",");
            format!("{name}{comma} {hold} {bytes}{grew}")
        }
        Cause::Site(_) => format!("{name} took {bytes} of kernel pages and kept them"),
        Cause::Counter(culprit) => format!("{bytes} {}{grew}", harmless(&culprit.name)),
        Cause::SlabCache { .. } | Cause::Vmalloc { .. } => format!("{name} has {bytes}{grew}"),
        Cause::FileSystem(_) | Cause::Shmem(_) => format!("{name} has {bytes}{grew}"),
        Cause::Process(_) => format!("{name} has {bytes}{grew}"),
        Cause::Killed(it) => format!("{name} is killed for memory{}", group(it)),
        Cause::Reserved { .. } => format!("{bytes} are set aside for {name}{grew}"),
        Cause::PageCache => format!("{bytes} are page cache, which gives way when memory is short"),
        Cause::Difference(it) => format!(
            "{name} has {} here and {} there",
            text::bytes(it.here_bytes),
            text::bytes(it.there_bytes)
        ),
        Cause::OpenBook(book) => format!(
            "{} grew by {bytes} that were not traced",
            book.subject.name()
        ),
    }
}

/// What it is about: a noun.
pub(super) fn name(cause: &Cause) -> String {
    match cause {
        Cause::Held(it) => holder(it),
        Cause::Site(it) => function(&it.taken_by),
        Cause::Counter(culprit) => harmless(&culprit.field).into_owned(),
        Cause::SlabCache { name, .. } => format!("slab cache {}", harmless(name)),
        Cause::Vmalloc {
            function, module, ..
        } => {
            format!(
                "vmalloc by {}",
                text::with_module(function, module.as_deref())
            )
        }
        Cause::FileSystem(it) => format!("tmpfs {}", words::name(&it.whole)),
        Cause::Shmem(it) if it.name.is_empty() => words::kind(it.kind).to_owned(),
        Cause::Shmem(it) => format!("{} {}", words::kind(it.kind), words::name(it)),
        Cause::Process(it) | Cause::Killed(it) => process(it),
        Cause::Reserved { name, holder } => match holder {
            Some(holder) => format!("{}, most for {}", harmless(name), harmless(holder)),
            None => harmless(name).into_owned(),
        },
        Cause::PageCache => "page cache".to_owned(),
        Cause::Difference(it) => command(&it.command),
        Cause::OpenBook(book) => book.subject.name().to_owned(),
    }
}

/// What speaks for it, and what is known of it.
pub(in crate::render) fn facts(finding: &Finding) -> Vec<Fact> {
    match &finding.cause {
        Cause::Held(it) => held(it),
        Cause::Site(it) => of_site(it),
        Cause::SlabCache {
            taken_by, known, ..
        } => {
            let taken_by = taken_by.iter().map(|it| ("from", taken(it, "slabs")));
            taken_by.chain(in_plain_words(known.as_ref())).collect()
        }
        Cause::Vmalloc { known, .. } => in_plain_words(known.as_ref()),
        Cause::FileSystem(it) => file_system(it),
        Cause::Shmem(it) => vec![("has it", words::held_by(it))],
        Cause::Process(it) | Cause::Killed(it) => of_process(it),
        Cause::Difference(it) => difference(it),
        Cause::OpenBook(it) => vec![("why", open_book(it))],
        Cause::Counter(_) | Cause::Reserved { .. } | Cause::PageCache => Vec::new(),
    }
}

/// What would show that it is no leak.
pub(super) const fn refutation(cause: &Cause) -> &'static str {
    match cause {
        Cause::Held(_) => "it empties by itself",
        Cause::Site(_) => "it levels off in a longer window",
        Cause::Counter(_) => "it is as large after a restart, too",
        Cause::SlabCache { .. } | Cause::Vmalloc { .. } => "it levels off",
        Cause::FileSystem(_) | Cause::Shmem(_) => "a program needs these files",
        Cause::Process(_) => "it levels off",
        Cause::Killed(_) => "its limit is below what it is known to need",
        Cause::Reserved { .. } => "nobody wished it so",
        Cause::PageCache => "it does not shrink when memory is short",
        Cause::Difference(_) => "both machines have different work to do",
        Cause::OpenBook(_) => "a second run closes the gap",
    }
}

fn holder(it: &HeldCause) -> String {
    let state = state(it).map(|it| format!(", {it}")).unwrap_or_default();
    format!("{}{state}", harmless(&it.name))
}

fn state(it: &HeldCause) -> Option<&'static str> {
    it.state.and_then(page_holders::state)
}

fn held(it: &HeldCause) -> Vec<Fact> {
    let mut facts = vec![("why", reasons(it))];
    facts.extend(it.socket.as_ref().and_then(|socket| queue(it, socket)));
    facts.extend(it.taken_by.iter().map(|it| ("from", taken(it, "them"))));
    let account = &it.account;
    facts.push((
        "refs",
        format!(
            "{} of {} references found: to close it frees {}",
            text::count(account.references_found),
            text::count(account.references_counted),
            text::bytes(account.frees_bytes)
        ),
    ));
    facts
}

/// What waits in a socket, of the largest where there are several.
fn queue(it: &HeldCause, socket: &SocketState) -> Option<Fact> {
    let [recv_q, send_q] = [socket.recv_q?, socket.send_q?].map(text::bytes);
    let drops = socket
        .drops
        .map(|it| format!(", {} dropped", text::count(it)));
    let largest = if it.objects > 1 { "the largest: " } else { "" };
    let drops = drops.unwrap_or_default();
    Some((
        "queue",
        format!("{largest}Recv-Q {recv_q}, Send-Q {send_q}{drops}"),
    ))
}

fn reasons(it: &HeldCause) -> String {
    let payload = text::bytes(it.account.payload_bytes);
    let reasons = it.reasons.iter().map(|reason| match reason {
        Reason::Stopped => "its process is stopped".to_owned(),
        Reason::Grew => "it grew while it was watched".to_owned(),
        Reason::Unread => "nobody emptied it while it was watched".to_owned(),
        Reason::Wasteful => format!("it pins many times its content of {payload}"),
        Reason::Unreachable => "no process can reach it any more".to_owned(),
        Reason::Unsent => "it waits to be sent, and the other end does not take it".to_owned(),
    });
    let reasons: Vec<_> = reasons.collect();
    if reasons.is_empty() {
        return "it is large".to_owned();
    }
    reasons.join("; ")
}

fn function(it: &TakenBy) -> String {
    text::with_module(&it.function, it.module.as_deref())
}

fn taken(it: &TakenBy, what: &str) -> String {
    let pages = text::counted(it.pages, "page");
    format!(
        "{} took {pages} of {what} while it was watched",
        function(it)
    )
}

fn of_site(it: &SiteCause) -> Vec<Fact> {
    let known = in_plain_words(it.known.as_ref());
    [("why", site(it))].into_iter().chain(known).collect()
}

/// What such memory is, who usually holds it, what is normal.
fn in_plain_words(known: Option<&KnownMemory>) -> Vec<Fact> {
    let Some(known) = known else {
        return Vec::new();
    };
    let facts = [
        ("what", &known.what),
        ("who", &known.who),
        ("normal", &known.normal),
    ];
    let facts = facts.map(|(name, text)| (name, harmless(text).into_owned()));
    facts.into()
}

fn site(it: &SiteCause) -> String {
    let [kept, taken, held] =
        [it.taken_by.pages, it.allocated_pages, it.held_pages].map(text::count);
    let trend = it
        .trend
        .as_ref()
        .map(|it| format!("; {}", trend::sentence(it)));
    let trend = trend.unwrap_or_default();
    format!("{kept} of {taken} pages not freed, {held} of them with a holder that was found{trend}")
}

fn file_system(it: &FileSystemCause) -> Vec<Fact> {
    let limit = it.whole.limit_bytes.filter(|&limit| limit > 0);
    let limit = match limit {
        Some(limit) => format!(
            "{} of its limit of {}",
            text::percent(it.whole.bytes as f64 / limit as f64),
            text::bytes(limit)
        ),
        None => "it has no limit".to_owned(),
    };
    let deleted = text::bytes(it.deleted_bytes);
    let mut facts = vec![(
        "why",
        format!("{limit}; {deleted} are deleted files that are open still"),
    )];
    let files = it.files.iter().take(3);
    facts.extend(files.map(|file| {
        let (kind, name) = (words::kind(file.kind), words::name(file));
        let (bytes, holder) = (text::bytes(file.bytes), words::held_by(file));
        ("file", format!("{bytes}  {kind} {name}: {holder}"))
    }));
    facts
}

fn process(it: &ProcessCause) -> String {
    let command = text::shortened(&text::short_command(&it.process), 40);
    format!("{command} (pid {})", it.process.pid)
}

fn group(it: &ProcessCause) -> String {
    let group = it.cgroup.as_ref().map(|group| {
        let limit = cgroup::limit(group).map_or_else(String::new, |it| format!(", limit {it}"));
        format!(" in cgroup {}{limit}", cgroup::short_name(&group.path))
    });
    group.unwrap_or_default()
}

fn of_process(it: &ProcessCause) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(replaced) = &it.replaced {
        let (kills, pid) = (replaced.oom_kills, text::ordinal(replaced.pids.len()));
        let kills = text::plural(kills, "kill", "kills");
        facts.push((
            "why",
            format!("{kills} while it was watched; it is the {pid} pid of its program"),
        ));
    }
    if let Some(mapping) = &it.mapping {
        let (name, growth) = (harmless(&mapping.name), text::change(mapping.growth_bytes));
        facts.push(("where", format!("its mapping {name} grew most: {growth}")));
    }
    facts.extend(it.next.iter().map(|it| ("next", next(it))));
    facts.extend(content(it.content.as_ref()));
    facts
}

/// `nginx (pid 4711) is killed next: score 742 of 1000 in this cgroup, oom_score 668`
fn next(it: &NextKill) -> String {
    let (name, pid) = (harmless(&it.process.name), it.process.pid);
    let (score, of_machine) = (it.score, text::oom_score(&it.process));
    format!(
        "{name} (pid {pid}) is killed next: score {score} of 1000 in this cgroup, \
         oom_score {of_machine}"
    )
}

fn content(peek: Option<&Peek>) -> Option<Fact> {
    Some(("holds", peek::in_short(peek?)))
}

fn difference(it: &DifferenceCause) -> Vec<Fact> {
    let mapping = it.mapping.as_deref().map(harmless);
    let mapping = mapping.map(|it| format!("most of it in {it}"));
    let pid = it.pid.map(|pid| format!("pid {pid}"));
    let place: Vec<_> = mapping.into_iter().chain(pid).collect();
    let all = format!("of all memory, {} differs most", harmless(&it.group));
    let mut facts = vec![("where", place.join(", ")), ("why", all)];
    facts.retain(|(_, fact)| !fact.is_empty());
    facts.extend(content(it.content.as_ref()));
    facts
}

fn command(command: &str) -> String {
    text::shortened(&harmless(command), 60)
}

/// Why growth can be without a trace of it.
fn open_book(book: &Book) -> String {
    let growth = text::change(book.growth_bytes);
    let traced = text::bytes(book.traced_bytes);
    format!(
        "{growth}, {traced} of it traced: taken in bulk, or in the drain, or before, and uncounted \
         only now"
    )
}
