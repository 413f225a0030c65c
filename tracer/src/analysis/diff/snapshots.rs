//! Two snapshots, of two moments or two machines.

use anyhow::Result;

use super::Amounts;
use crate::{
    analysis::{balance, growth},
    model::{DiffSchema, Growth, Line, Mapping, Side, Snapshot, SnapshotDiff, Threshold},
};

/// What differs; an error if one of them has no balance.
pub fn snapshots(before: &Snapshot, after: &Snapshot) -> Result<SnapshotDiff> {
    let tree = |it: &Snapshot| Ok(balance(&it.memory, Threshold::Usual)?.tree);
    let trees: [Result<Line>; 2] = [tree(before), tree(after)];
    let [first, second] = trees;
    let (first, second) = (first?, second?);
    let sides = [before, after];
    let mut kinds = growth(&first, &second);
    kinds.retain(|it| it.bytes() != 0);
    Ok(SnapshotDiff {
        schema: DiffSchema::Snapshots1,
        before: side(before),
        after: side(after),
        groups: groups(&first, &second),
        kinds,
        processes: changes(sides, processes),
        mappings: changes(sides, mappings),
        file_systems: changes(sides, file_systems),
        holders: changes(sides, |it| {
            let holders = it.holders().iter();
            holders
                .map(|holder| (holder.kind.name().to_owned(), holder.bytes))
                .collect()
        }),
        page_holders: changes(sides, page_holders),
        page_uses: changes(sides, page_uses),
        slabs: changes(sides, |it| {
            let caches = it.memory.slabs.iter().flatten();
            caches
                .map(|cache| (cache.name.clone(), cache.bytes))
                .collect()
        }),
        vmalloc: changes(sides, |it| {
            let callers = it.memory.vmalloc.iter().flatten();
            callers
                .map(|caller| (caller.function.clone(), caller.bytes))
                .collect()
        }),
    })
}

/// What processes have, by command line: pids say nothing of another moment or machine.
fn processes(snapshot: &Snapshot) -> Vec<(String, u64)> {
    let processes = snapshot.processes.iter().flat_map(|it| &it.processes);
    let kept = processes.filter_map(|it| Some((it.command(), it.kept_bytes()?)));
    kept.collect()
}

fn mappings(snapshot: &Snapshot) -> Vec<(String, u64)> {
    let processes = snapshot.processes.iter().flat_map(|it| &it.processes);
    let mappings = processes.flat_map(|process| {
        let named = |mapping: &Mapping| {
            let name = format!("{} of {}", mapping.name, process.command());
            (name, mapping.held_bytes())
        };
        process.mappings.iter().flatten().map(named)
    });
    mappings.collect()
}

fn file_systems(snapshot: &Snapshot) -> Vec<(String, u64)> {
    let systems = snapshot.shmem.iter().flat_map(|it| &it.file_systems);
    let used = systems.filter_map(|it| Some((it.point.clone(), it.used_bytes?)));
    used.collect()
}

/// What holds page frames, by the name of the process: pids say nothing of another moment or machine.
fn page_holders(snapshot: &Snapshot) -> Vec<(String, u64)> {
    let holders = snapshot.page_holders.iter().flat_map(|it| &it.holders);
    let holders = holders.map(|it| {
        let whose = it.owner.comm.as_deref().unwrap_or("no process");
        let what = match &it.socket {
            Some(socket) => &socket.protocol,
            None => it.kind.name(),
        };
        (format!("{whose}: {what}"), it.account.pinned_bytes)
    });
    holders.collect()
}

fn page_uses(snapshot: &Snapshot) -> Vec<(String, u64)> {
    let uses = snapshot.pages.iter().flat_map(|it| &it.uses);
    uses.map(|it| (it.page_use.title().to_owned(), it.bytes))
        .collect()
}

fn side(snapshot: &Snapshot) -> Side {
    Side {
        host: snapshot.host.clone(),
        at: snapshot.taken_at,
    }
}

/// The first level of the trees: free, user, kernel, unaccounted.
fn groups(before: &Line, after: &Line) -> Vec<Growth> {
    let top = |tree: &Line| Line {
        parts: tree.parts.iter().map(without_parts).collect(),
        ..without_parts(tree)
    };
    growth(&top(before), &top(after))
}

fn without_parts(line: &Line) -> Line {
    Line {
        parts: Vec::new(),
        ..line.clone()
    }
}

/// What differs of the amounts that `list` finds in each of the two.
fn changes(sides: [&Snapshot; 2], list: impl Fn(&Snapshot) -> Vec<(String, u64)>) -> Vec<Growth> {
    let mut amounts = Amounts::default();
    for (side, snapshot) in sides.into_iter().enumerate() {
        for (name, bytes) in list(snapshot) {
            amounts.add(side, name, bytes);
        }
    }
    amounts.changes()
}
