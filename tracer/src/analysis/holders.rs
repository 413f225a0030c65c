//! Who holds page frames, and what is free once they let go.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
};

use rustc_hash::FxHashMap;

use super::balance::signed;
use crate::model::{
    Found, FoundObject, Held, HeldBlock, HeldBy, HeldPages, HolderGroup, HoldersBaseline,
    HoldersBy, HoldersReport, HoldersTotals, Holding, ObjectKind, PageHolder, PageUse, Reference,
    SocketOwner,
};

/// What is known of objects beside what a walk has found.
#[derive(Debug, Default)]
pub struct About {
    /// Bytes of a page frame.
    pub page_size: u64,
    /// References of each object that only one of two walks saw.
    pub unconfirmed: FxHashMap<u32, u64>,
    /// The names of page pools' devices and of control groups, by address.
    pub owners: HashMap<u64, Option<String>>,
    /// The memory control groups of processes.
    pub cgroups: HashMap<u32, String>,
    /// The processes that have an object mapped, by its inode.
    pub mapped_by: HashMap<u64, Vec<u32>>,
}

/// What some objects hold together, in page frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) pinned: u64,
    found: u64,
    counted: u64,
    pub(super) frees: u64,
}

/// The accounts of groups of objects; of an object that is part of none, nothing is said.
pub(super) fn accounts<K: std::hash::Hash + Eq + Copy>(
    held: &Held,
    group: impl Fn(u32) -> Option<K>,
) -> HashMap<K, Account> {
    let mut accounts = HashMap::<K, Account>::new();
    for block in &held.blocks {
        let mut groups: HashSet<K> = HashSet::new();
        let mut has_others = false;
        for (object, _) in &block.held {
            match group(*object) {
                Some(group) => has_others |= groups.insert(group) && groups.len() > 1,
                None => has_others = true,
            }
        }
        for group in groups {
            let account = accounts.entry(group).or_default();
            account.pinned += block.pages;
            account.found += block.found();
            account.counted += block.counted.unwrap_or(0);
            if !has_others && block.is_complete() {
                account.frees += block.pages;
            }
        }
    }
    accounts
}

/// Every object that holds page frames, most first.
pub fn holders(found: &Found, held: &Held, about: &About) -> Vec<PageHolder> {
    let is_object = |object: u32| (object != Reference::OTHERS).then_some(object);
    let accounts = accounts(held, is_object);
    let owners = owners(held, about);
    let mut holders: Vec<_> = accounts
        .into_iter()
        .filter_map(|(object, account)| {
            let holder = holder(found, about, object)?;
            let bytes = |pages: u64| pages.saturating_mul(about.page_size);
            Some(PageHolder {
                pinned_bytes: bytes(account.pinned),
                references_found: account.found,
                references_counted: account.counted,
                frees_bytes: bytes(account.frees),
                device: owners.get(&(object, PageUse::PagePool)).cloned(),
                cgroup: holder
                    .cgroup
                    .or_else(|| owners.get(&(object, PageUse::Charged)).cloned()),
                ..holder
            })
        })
        .collect();
    holders.sort_by(|a, b| order(a).cmp(&order(b)));
    holders
}

fn order(holder: &PageHolder) -> (Reverse<u64>, ObjectKind, &str, Option<u32>) {
    let pinned = Reverse(holder.pinned_bytes);
    (pinned, holder.kind, &holder.object, holder.fd)
}

/// The names of whom the page frames of objects belong to, by use: the first of each.
fn owners(held: &Held, about: &About) -> HashMap<(u32, PageUse), String> {
    let mut owners = HashMap::new();
    for block in &held.blocks {
        let Some(Some(name)) = about.owners.get(&block.owner) else {
            continue;
        };
        for (object, _) in &block.held {
            let of = owners.entry((*object, block.page_use));
            of.or_insert_with(|| name.clone());
        }
    }
    owners
}

/// What an object is and who has it; what it holds is not said yet.
pub(super) fn holder(found: &Found, about: &About, place: u32) -> Option<PageHolder> {
    let object = found.objects.get(place as usize)?;
    let (holding, who) = who(found, about, object);
    let mut pids: Vec<_> = who.iter().map(|(pid, _)| *pid).collect();
    pids.dedup();
    let first = who.first();
    let task = first.and_then(|(pid, _)| found.process(*pid));
    let socket = object.socket.as_deref();
    Some(PageHolder {
        kind: object.kind,
        object: name(object),
        pid: first.map(|(pid, _)| *pid),
        comm: task.map(|it| it.name.clone()),
        state: task.map(|it| it.state),
        fd: first.and_then(|(_, number)| *number),
        cgroup: first.and_then(|(pid, _)| about.cgroups.get(pid).cloned()),
        pids,
        holding,
        netns: socket.map(|it| it.state.netns).filter(|&it| it != 0),
        device: None,
        pinned_bytes: 0,
        payload_bytes: object.payload_bytes,
        references_found: 0,
        references_counted: 0,
        frees_bytes: 0,
        unconfirmed: about.unconfirmed.get(&place).copied().unwrap_or(0),
        socket: socket.map(|it| it.state.clone()),
        queues: socket.map(|it| it.walked.clone()),
    })
}

/// The processes that have an object, each with its descriptor if that is of the object itself.
type Who = Vec<(u32, Option<u32>)>;

/// How an object is held if not by a descriptor, and by which processes.
fn who(found: &Found, about: &About, object: &FoundObject) -> (Option<HeldBy>, Who) {
    if !object.descriptors.is_empty() {
        return (None, descriptors(found, object));
    }
    match object.holding {
        Holding::InFlight(_) => (Some(HeldBy::InFlight), through_sockets(found, object)),
        Holding::NotAccepted(_) => (Some(HeldBy::NotAccepted), through_sockets(found, object)),
        Holding::Task(task) => {
            let task = found.task(task);
            let who = task.map(|task| (task.pid, None)).into_iter();
            (Some(HeldBy::Task), who.collect())
        }
        Holding::Unknown => mapped_or_orphan(about, object),
    }
}

/// The processes that have the socket which an object waits in, or the one that this waits in, and so
/// on. Sockets that are in flight in each other are garbage of no process.
fn through_sockets(found: &Found, object: &FoundObject) -> Who {
    /// The kernel has no limit to this; who goes deeper goes round in a circle.
    const DEEPEST: usize = 32;
    let sockets = std::iter::successors(Some(object), |object| match object.holding {
        Holding::InFlight(socket) | Holding::NotAccepted(socket) => {
            found.objects.get(socket as usize)
        }
        Holding::Task(_) | Holding::Unknown => None,
    });
    let mut who = sockets
        .take(DEEPEST)
        .map(|socket| descriptors(found, socket));
    let who = who.find(|who| !who.is_empty()).unwrap_or_default();
    who.into_iter().map(|(pid, _)| (pid, None)).collect()
}

fn mapped_or_orphan(about: &About, object: &FoundObject) -> (Option<HeldBy>, Who) {
    let mapped = about.mapped_by.get(&object.inode);
    // Before Linux 5.13 all rings of a kind have one inode: it tells only of one process.
    if let Some([pid]) = mapped.filter(|_| object.inode != 0).map(Vec::as_slice) {
        return (Some(HeldBy::Mapping), vec![(*pid, None)]);
    }
    let socket = object.socket.as_deref();
    let holding = match socket.map(|it| it.state.owner) {
        Some(SocketOwner::Nobody) => HeldBy::Orphan,
        Some(SocketOwner::Kernel) => HeldBy::Kernel,
        Some(SocketOwner::File) | None => HeldBy::Unknown,
    };
    (Some(holding), Vec::new())
}

fn descriptors(found: &Found, object: &FoundObject) -> Who {
    let pid = |task: u32| Some(found.task(task)?.pid);
    let descriptors = object.descriptors.iter();
    let mut who: Vec<_> = descriptors
        .filter_map(|(task, number)| Some((pid(*task)?, Some(*number))))
        .collect();
    who.sort_unstable();
    who
}

/// What an object is called: `tcp 10.0.0.1:80 -> 10.0.0.2:4711`, `pipe:[4711]`.
fn name(object: &FoundObject) -> String {
    let Some(socket) = object.socket.as_deref() else {
        return match object.kind {
            ObjectKind::Pipe => format!("pipe:[{}]", object.inode),
            kind => kind.name().to_owned(),
        };
    };
    if object.kind == ObjectKind::PacketRing {
        return object.kind.name().to_owned();
    }
    let state = &socket.state;
    let mut name = state.protocol.clone();
    if let Some(local) = &state.local {
        name += &format!(" {local}");
    }
    if let Some(remote) = &state.remote {
        name += &format!(" -> {remote}");
    }
    name
}

/// The objects that these are, and what they hold together.
pub fn holder_groups(found: &Found, held: &Held, about: &About, by: HoldersBy) -> Vec<HolderGroup> {
    let mut names = Vec::new();
    let mut members: BTreeMap<String, (usize, Vec<PageHolder>)> = BTreeMap::new();
    let owners = owners(held, about);
    let mut group_of = FxHashMap::default();
    let held_objects: HashSet<_> = held.blocks.iter().flat_map(held_by).collect();
    for object in held_objects {
        let Some(mut holder) = holder(found, about, object) else {
            continue;
        };
        holder.device = owners.get(&(object, PageUse::PagePool)).cloned();
        let (key, place) = (key(&holder, by), members.len());
        let (group, holders) = members.entry(key).or_insert((place, Vec::new()));
        group_of.insert(object, *group);
        holders.push(holder);
    }
    let accounts = accounts(held, |object| group_of.get(&object).copied());
    for (key, (place, holders)) in members {
        let account = accounts.get(&place).copied().unwrap_or_default();
        names.push(HolderGroup {
            key,
            ..group(&holders, by, account, about.page_size)
        });
    }
    names.sort_by(|a, b| {
        (Reverse(a.pinned_bytes), &a.name).cmp(&(Reverse(b.pinned_bytes), &b.name))
    });
    names
}

fn held_by(block: &HeldBlock) -> impl Iterator<Item = u32> {
    block.held.iter().map(|(object, _)| *object)
}

/// What all objects of a group have in common.
pub(super) fn key(holder: &PageHolder, by: HoldersBy) -> String {
    let what = what(holder);
    match by {
        HoldersBy::Holder => format!("{what} {:?} {:?}", holder.holding, holder.pids),
        HoldersBy::Object => {
            let (object, fd) = (&holder.object, holder.fd);
            format!(
                "{what} {object} {:?} {:?} {fd:?}",
                holder.holding, holder.pids
            )
        }
        _ => common(holder, by),
    }
}

fn common(holder: &PageHolder, by: HoldersBy) -> String {
    let or_none = |name: Option<String>, what: &str| name.unwrap_or_else(|| format!("(no {what})"));
    match by {
        HoldersBy::Process => process(holder).unwrap_or_else(|| "(no process)".to_owned()),
        HoldersBy::Cgroup => or_none(holder.cgroup.clone(), "cgroup"),
        HoldersBy::Netns => or_none(holder.netns.map(|it| it.to_string()), "network namespace"),
        HoldersBy::Device => or_none(holder.device.clone(), "device"),
        HoldersBy::Kind | HoldersBy::Holder | HoldersBy::Object => what(holder),
    }
}

/// What an object is, in a word: a socket by its protocol.
fn what(holder: &PageHolder) -> String {
    match (holder.kind, &holder.socket) {
        (ObjectKind::Socket, Some(socket)) => format!("{} socket", socket.protocol),
        (kind, _) => kind.name().to_owned(),
    }
}

fn process(holder: &PageHolder) -> Option<String> {
    let (name, pid) = (holder.comm.as_deref().unwrap_or("?"), holder.pid?);
    Some(match holder.pids.len() {
        0 | 1 => format!("{name} (pid {pid})"),
        others => format!("{name} (pid {pid} and {} more)", others - 1),
    })
}

fn group(holders: &[PageHolder], by: HoldersBy, account: Account, page_size: u64) -> HolderGroup {
    let first = holders.first();
    let name = match (by, holders) {
        (HoldersBy::Object, [holder]) => one(holder),
        (HoldersBy::Holder, holders) => named(holders),
        _ => first.map(|it| common(it, by)).unwrap_or_default(),
    };
    let state = first.and_then(|it| it.state);
    let is_of_process = matches!(
        by,
        HoldersBy::Holder | HoldersBy::Object | HoldersBy::Process
    );
    let bytes = |pages: u64| pages.saturating_mul(page_size);
    HolderGroup {
        name,
        key: String::new(),
        objects: holders.len() as u64,
        state: state.filter(|_| is_of_process),
        pinned_bytes: bytes(account.pinned),
        payload_bytes: holders.iter().map(|it| it.payload_bytes).sum(),
        references_found: account.found,
        references_counted: account.counted,
        frees_bytes: bytes(account.frees),
        unconfirmed: holders.iter().map(|it| it.unconfirmed).sum(),
        growth_bytes: None,
    }
}

/// What objects of one kind and of the same processes are called together.
pub(super) fn named(holders: &[PageHolder]) -> String {
    match holders {
        [holder] => one(holder),
        holders => several(holders),
    }
}

/// `tcp 10.0.0.1:80 -> 10.0.0.2:4711, nginx (pid 7, fd 12)`.
fn one(holder: &PageHolder) -> String {
    let descriptor = holder.fd.map(|fd| format!("fd {fd}"));
    format!("{}{}", holder.object, whose(holder, descriptor))
}

/// `500 pipes, leak (pid 7, fd 3-1002)`.
fn several(holders: &[PageHolder]) -> String {
    let Some(first) = holders.first() else {
        return String::new();
    };
    let descriptors = holders.iter().filter_map(|it| it.fd);
    let range = descriptors.clone().min().zip(descriptors.max());
    let range = range.map(|(first, last)| format!("fd {first}-{last}"));
    format!("{} {}s{}", holders.len(), what(first), whose(first, range))
}

fn whose(holder: &PageHolder, descriptors: Option<String>) -> String {
    let how = match holder.holding {
        None | Some(HeldBy::Task) => "",
        Some(HeldBy::InFlight) => ", sent and not received:",
        Some(HeldBy::NotAccepted) => ", not accepted:",
        Some(HeldBy::Mapping) => ", mapped by",
        Some(HeldBy::Kernel) => return ", of the kernel itself".to_owned(),
        Some(HeldBy::Orphan) => return ", closed by its process".to_owned(),
        Some(HeldBy::Unknown) => return ", held by nothing that was found".to_owned(),
    };
    let Some(pid) = holder.pid else {
        return format!("{how} no process");
    };
    let comma = if how.is_empty() { "," } else { "" };
    let name = holder.comm.as_deref().unwrap_or("?");
    let others = match holder.pids.len() {
        0 | 1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    let descriptors = descriptors.map(|it| format!(", {it}")).unwrap_or_default();
    format!("{how}{comma} {name} (pid {pid}{others}{descriptors})")
}

/// The holders of each site's pages, most pages first, by how many pages of a site an object has.
pub fn held_pages(
    found: &Found,
    about: &About,
    pages: &BTreeMap<(u32, u32), u64>,
) -> BTreeMap<u32, Vec<HeldPages>> {
    let mut sites = BTreeMap::<u32, BTreeMap<String, (u64, Vec<PageHolder>)>>::new();
    for ((site, object), pages) in pages {
        let Some(holder) = holder(found, about, *object) else {
            continue;
        };
        let key = key(&holder, HoldersBy::Holder);
        let (sum, holders) = sites.entry(*site).or_default().entry(key).or_default();
        *sum += pages;
        holders.push(holder);
    }
    let named = |(pages, holders): (u64, Vec<PageHolder>)| HeldPages {
        holder: named(&holders),
        pages,
    };
    let sites = sites.into_iter();
    sites
        .map(|(site, holders)| {
            let mut holders: Vec<_> = holders.into_values().map(named).collect();
            holders
                .sort_by(|a, b| (Reverse(a.pages), &a.holder).cmp(&(Reverse(b.pages), &b.holder)));
            (site, holders)
        })
        .collect()
}

/// Notes how many bytes each group has more than at the baseline, and puts what grew most first.
pub fn since_baseline(report: &mut HoldersReport, baseline: &HoldersReport) {
    let before = baseline.groups.iter();
    let before: HashMap<_, _> = before.map(|it| (&it.key, it.pinned_bytes)).collect();
    let growth = |after: u64, before: u64| signed(after).saturating_sub(signed(before));
    for group in &mut report.groups {
        let before = before.get(&group.key).copied().unwrap_or(0);
        group.growth_bytes = Some(growth(group.pinned_bytes, before));
    }
    report
        .groups
        .sort_by_key(|group| (Reverse(group.growth_bytes), Reverse(group.pinned_bytes)));
    report.baseline = Some(HoldersBaseline {
        taken_at: baseline.taken_at,
        unheld_growth_bytes: growth(report.totals.unheld_bytes, baseline.totals.unheld_bytes),
    });
}

/// Bytes that nothing which was found refers to, by use, and the sums of all.
pub fn holders_totals(
    held: &Held,
    page_size: u64,
    per_cpu_bytes: Option<u64>,
) -> (BTreeMap<PageUse, u64>, HoldersTotals) {
    let bytes = |pages: u64| pages.saturating_mul(page_size);
    let unheld = held.unheld.iter();
    let unheld: BTreeMap<_, _> = unheld.map(|(of, pages)| (*of, bytes(*pages))).collect();
    let blocks = held.blocks.iter();
    let blocks = blocks.filter(|it| it.page_use.is_unexplained());
    let held_bytes = bytes(blocks.map(|it| it.pages).sum());
    let unheld_bytes = unheld.values().sum();
    let totals = HoldersTotals {
        unexplained_bytes: held_bytes + unheld_bytes,
        held_bytes,
        unheld_bytes,
        per_cpu_bytes,
    };
    (unheld, totals)
}

#[cfg(test)]
#[path = "holders_tests.rs"]
mod tests;
