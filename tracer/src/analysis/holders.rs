//! Who holds page frames, and what is free once they let go.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
};

use rustc_hash::FxHashMap;

use super::{
    balance::signed,
    holder_names::{common, key, named, one},
    object_owners::{MappedBy, owner},
};
use crate::model::{
    Found, FoundObject, Held, HeldAccount, HeldPages, HolderGroup, HoldersBaseline, HoldersBy,
    HoldersReport, HoldersTotals, ObjectKind, PageHolder, PageUse, Reference,
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
    pub mapped_by: MappedBy,
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

impl Account {
    /// The same in bytes, with so much data in it.
    fn in_bytes(self, about: &About, payload_bytes: u64, unconfirmed: u64) -> HeldAccount {
        let bytes = |pages: u64| pages.saturating_mul(about.page_size);
        HeldAccount {
            pinned_bytes: bytes(self.pinned),
            payload_bytes,
            references_found: self.found,
            references_counted: self.counted,
            frees_bytes: bytes(self.frees),
            unconfirmed,
        }
    }
}

/// The account of each object by itself.
pub(super) fn object_accounts(held: &Held) -> HashMap<u32, Account> {
    accounts(held, |object| {
        (object != Reference::OTHERS).then_some(object)
    })
}

/// Every object that holds page frames, most first.
pub fn holders(found: &Found, held: &Held, about: &About) -> Vec<PageHolder> {
    let accounts = object_accounts(held);
    let mut holders: Vec<_> = described(found, held, about)
        .into_iter()
        .map(|(object, holder)| {
            let account = accounts.get(&object).copied().unwrap_or_default();
            let HeldAccount {
                payload_bytes,
                unconfirmed,
                ..
            } = holder.account;
            PageHolder {
                account: account.in_bytes(about, payload_bytes, unconfirmed),
                ..holder
            }
        })
        .collect();
    holders.sort_by(|a, b| order(a).cmp(&order(b)));
    holders
}

fn order(holder: &PageHolder) -> (Reverse<u64>, ObjectKind, &str, Option<u32>) {
    let pinned = Reverse(holder.account.pinned_bytes);
    (pinned, holder.kind, &holder.object, holder.owner.fd)
}

/// All objects that hold page frames, with whom these belong to; what each holds is not said yet.
fn described(found: &Found, held: &Held, about: &About) -> Vec<(u32, PageHolder)> {
    let owners = page_owners(held, about);
    let objects: HashSet<_> = held.objects().collect();
    let describe = |object: u32| {
        let mut holder = holder(found, about, object)?;
        let pool = owners.get(&(object, PageUse::PagePool)).cloned();
        holder.device = holder.device.or(pool);
        let charged = || owners.get(&(object, PageUse::Charged)).cloned();
        holder.owner.cgroup = holder.owner.cgroup.or_else(charged);
        Some((object, holder))
    };
    objects.into_iter().filter_map(describe).collect()
}

/// The names of whom the page frames of objects belong to, by use: the first of each.
fn page_owners(held: &Held, about: &About) -> HashMap<(u32, PageUse), String> {
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
    let mut owner = owner(found, &about.mapped_by, object);
    owner.cgroup = owner.pid.and_then(|pid| about.cgroups.get(&pid).cloned());
    let process = owner.pid.and_then(|pid| found.process(pid));
    let socket = object.socket.as_deref();
    Some(PageHolder {
        kind: object.kind,
        object: name(object),
        owner,
        state: process.map(|it| it.state),
        netns: Some(socket.map_or(object.netns, |it| it.state.netns)).filter(|&it| it != 0),
        device: device(object),
        account: HeldAccount {
            payload_bytes: object.payload_bytes,
            unconfirmed: about.unconfirmed.get(&place).copied().unwrap_or(0),
            ..HeldAccount::default()
        },
        socket: socket.map(|it| it.state.clone()),
        queues: socket.map(|it| it.walked.clone()),
    })
}

/// What an object is called: `tcp 10.0.0.1:80 -> 10.0.0.2:4711`, `pipe:[4711]`.
fn name(object: &FoundObject) -> String {
    match (object.kind, &object.socket) {
        (ObjectKind::Socket, Some(socket)) => socket.state.name(),
        (ObjectKind::Pipe, _) => format!("pipe:[{}]", object.inode),
        (kind, _) => {
            let label = object.label.iter().map(String::as_str);
            let words: Vec<_> = [kind.name()].into_iter().chain(label).collect();
            words.join(" ")
        }
    }
}

/// The network device whose queue an object is.
fn device(object: &FoundObject) -> Option<String> {
    let label = object.label.clone();
    label.filter(|_| object.kind == ObjectKind::TunQueue)
}

/// The objects that these are, and what they hold together.
pub fn holder_groups(found: &Found, held: &Held, about: &About, by: HoldersBy) -> Vec<HolderGroup> {
    let mut members: BTreeMap<String, (usize, Vec<PageHolder>)> = BTreeMap::new();
    let mut group_of = FxHashMap::default();
    for (object, holder) in described(found, held, about) {
        let (key, place) = (key(&holder, by), members.len());
        let (group, holders) = members.entry(key).or_insert((place, Vec::new()));
        group_of.insert(object, *group);
        holders.push(holder);
    }
    let accounts = accounts(held, |object| group_of.get(&object).copied());
    let groups = members.into_iter().map(|(key, (place, holders))| {
        let account = accounts.get(&place).copied().unwrap_or_default();
        group(key, &holders, by, account, about)
    });
    let mut groups: Vec<_> = groups.collect();
    groups.sort_by(|a, b| {
        let pinned = |it: &HolderGroup| Reverse(it.account.pinned_bytes);
        (pinned(a), &a.name).cmp(&(pinned(b), &b.name))
    });
    groups
}

fn group(
    key: String,
    holders: &[PageHolder],
    by: HoldersBy,
    account: Account,
    about: &About,
) -> HolderGroup {
    let first = holders.first();
    let name = match (by, holders) {
        (HoldersBy::Object, [holder]) => one(holder),
        (HoldersBy::Holder, holders) => named(holders),
        _ => first.map(|it| common(it, by)).unwrap_or_default(),
    };
    let is_of_process = matches!(
        by,
        HoldersBy::Holder | HoldersBy::Object | HoldersBy::Process
    );
    let payload = holders.iter().map(|it| it.account.payload_bytes).sum();
    let unconfirmed = holders.iter().map(|it| it.account.unconfirmed).sum();
    HolderGroup {
        name,
        key,
        objects: holders.len() as u64,
        state: first.and_then(|it| it.state).filter(|_| is_of_process),
        account: account.in_bytes(about, payload, unconfirmed),
        growth_bytes: None,
    }
}

/// How many page frames of these uses each object has; a block counts for the first that refers to it.
pub(super) fn pages_of_objects(
    held: &Held,
    is_wanted: impl Fn(PageUse) -> bool,
) -> FxHashMap<u32, u64> {
    let mut pages = FxHashMap::default();
    let blocks = held.blocks.iter();
    for block in blocks.filter(|block| is_wanted(block.page_use)) {
        if let Some((object, _)) = block.held.first() {
            *pages.entry(*object).or_default() += block.pages;
        }
    }
    pages
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
    let named = |(key, (pages, holders)): (String, (u64, Vec<PageHolder>))| HeldPages {
        holder: named(&holders),
        key,
        pages,
    };
    let sites = sites.into_iter();
    sites
        .map(|(site, holders)| {
            let mut holders: Vec<_> = holders.into_iter().map(named).collect();
            holders
                .sort_by(|a, b| (Reverse(a.pages), &a.holder).cmp(&(Reverse(b.pages), &b.holder)));
            (site, holders)
        })
        .collect()
}

/// Notes how many bytes each group has more than at the baseline, and puts what grew most first.
pub fn since_baseline(report: &mut HoldersReport, baseline: &HoldersReport) {
    let before = baseline.groups.iter();
    let before: HashMap<_, _> = before
        .map(|it| (&it.key, it.account.pinned_bytes))
        .collect();
    let growth = |after: u64, before: u64| signed(after).saturating_sub(signed(before));
    for group in &mut report.groups {
        let before = before.get(&group.key).copied().unwrap_or(0);
        group.growth_bytes = Some(growth(group.account.pinned_bytes, before));
    }
    report.groups.sort_by_key(|group| {
        (
            Reverse(group.growth_bytes),
            Reverse(group.account.pinned_bytes),
        )
    });
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
