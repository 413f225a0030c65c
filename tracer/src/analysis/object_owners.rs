//! Which processes have an object, and how.

use std::{
    collections::{BTreeSet, HashMap},
    iter,
};

use crate::model::{
    Found, FoundObject, Held, HeldBy, Holding, ObjectKind, ObjectOwner, SocketOwner,
};

/// The processes that have an object mapped, by its inode.
pub type MappedBy = HashMap<u64, Vec<u32>>;

/// All processes that have what holds page frames.
pub fn holding_processes(found: &Found, held: &Held, mapped_by: &MappedBy) -> BTreeSet<u32> {
    let objects: BTreeSet<_> = held.objects().collect();
    let objects = objects.into_iter();
    let objects = objects.filter_map(|object| found.objects.get(object as usize));
    let who = objects.flat_map(|object| who(found, mapped_by, object).1);
    who.map(|(pid, _)| pid).collect()
}

/// Who has an object, without the control group.
pub(super) fn owner(found: &Found, mapped_by: &MappedBy, object: &FoundObject) -> ObjectOwner {
    let (holding, who) = who(found, mapped_by, object);
    let mut pids: Vec<_> = who.iter().map(|(pid, _)| *pid).collect();
    pids.dedup();
    let first = who.first();
    let task = first.and_then(|(pid, _)| found.process(*pid));
    ObjectOwner {
        pid: first.map(|(pid, _)| *pid),
        pids,
        comm: task.map(|it| it.name.clone()),
        fd: first.and_then(|(_, number)| *number),
        holding,
        cgroup: None,
    }
}

/// The processes that have an object, each with its descriptor if that is of the object itself.
type Who = Vec<(u32, Option<u32>)>;

/// How an object is held if not by a descriptor, and by which processes.
fn who(found: &Found, mapped_by: &MappedBy, object: &FoundObject) -> (Option<HeldBy>, Who) {
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
        Holding::Kernel => (Some(HeldBy::Kernel), Vec::new()),
        Holding::Unknown if object.kind == ObjectKind::BpfRingBuffer => {
            (Some(HeldBy::Bpf), Vec::new())
        }
        Holding::Unknown => mapped_or_orphan(mapped_by, object),
    }
}

/// The processes that have the socket which an object waits in, or the one that this waits in, and so
/// on. Sockets that are in flight in each other are garbage of no process.
fn through_sockets(found: &Found, object: &FoundObject) -> Who {
    /// The kernel has no limit to this; who goes deeper goes round in a circle.
    const DEEPEST: usize = 32;
    let sockets = iter::successors(Some(object), |object| match object.holding {
        Holding::InFlight(socket) | Holding::NotAccepted(socket) => {
            found.objects.get(socket as usize)
        }
        Holding::Task(_) | Holding::Kernel | Holding::Unknown => None,
    });
    let mut who = sockets
        .take(DEEPEST)
        .map(|socket| descriptors(found, socket));
    let who = who.find(|who| !who.is_empty()).unwrap_or_default();
    who.into_iter().map(|(pid, _)| (pid, None)).collect()
}

fn mapped_or_orphan(mapped_by: &MappedBy, object: &FoundObject) -> (Option<HeldBy>, Who) {
    let mapped = mapped_by.get(&object.inode);
    // Before Linux 5.13 all rings of a kind have one inode: it tells only of one process.
    if let Some([pid]) = mapped.filter(|_| object.inode != 0).map(Vec::as_slice) {
        return (Some(HeldBy::Mapping), vec![(*pid, None)]);
    }
    let socket = object.socket.as_deref();
    let holding = match socket.map(|it| it.state.belongs_to) {
        Some(SocketOwner::Nobody) => HeldBy::Orphan,
        Some(SocketOwner::Kernel) => HeldBy::Kernel,
        Some(SocketOwner::File | SocketOwner::Unknown) | None => HeldBy::Unknown,
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
