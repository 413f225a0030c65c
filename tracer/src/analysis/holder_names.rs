//! What holders are called, and what tells groups of them apart.

use crate::model::{HeldBy, HoldersBy, ObjectKind, PageHolder};

/// What all objects of a group have in common.
pub(super) fn key(holder: &PageHolder, by: HoldersBy) -> String {
    let (what, owner) = (what(holder), &holder.owner);
    match by {
        HoldersBy::Holder => format!("{what} {:?} {:?}", owner.holding, owner.pids),
        HoldersBy::Object => {
            let (object, fd) = (&holder.object, owner.fd);
            format!(
                "{what} {object} {:?} {:?} {fd:?}",
                owner.holding, owner.pids
            )
        }
        _ => common(holder, by),
    }
}

pub(super) fn common(holder: &PageHolder, by: HoldersBy) -> String {
    let or_none = |name: Option<String>, what: &str| name.unwrap_or_else(|| format!("(no {what})"));
    match by {
        HoldersBy::Process => or_none(holder.owner.name(None), "process"),
        HoldersBy::Cgroup => or_none(holder.owner.cgroup.clone(), "cgroup"),
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

/// What objects of one kind and of the same processes are called together.
pub(super) fn named(holders: &[PageHolder]) -> String {
    match holders {
        [] => String::new(),
        [holder] => one(holder),
        [first, ..] => several(first, holders),
    }
}

/// `tcp 10.0.0.1:80 -> 10.0.0.2:4711, nginx (pid 7, fd 12)`.
pub(super) fn one(holder: &PageHolder) -> String {
    let descriptor = holder.owner.descriptor();
    format!("{}{}", holder.object, whose(holder, descriptor.as_deref()))
}

/// `500 pipes, leak (pid 7, fd 3-1002)`.
fn several(first: &PageHolder, holders: &[PageHolder]) -> String {
    let descriptors = holders.iter().filter_map(|it| it.owner.fd);
    let range = descriptors.clone().min().zip(descriptors.max());
    let range = range.map(|(first, last)| format!("fd {first}-{last}"));
    let whose = whose(first, range.as_deref());
    format!("{} {}s{whose}", holders.len(), what(first))
}

/// `, not accepted: nginx (pid 7)`.
fn whose(holder: &PageHolder, descriptors: Option<&str>) -> String {
    let owner = &holder.owner;
    let how = owner.holding.and_then(HeldBy::name).map(str::to_owned);
    let said: Vec<_> = how.into_iter().chain(owner.name(descriptors)).collect();
    if said.is_empty() {
        return String::new();
    }
    format!(", {}", said.join(": "))
}
