//! Whom the kernel kills next in a control group that gets full (mm/oom_kill.c).

use super::Facts;
use crate::model::{MemoryCgroup, NextKill, Process, Snapshot};

/// Nobody is killed who is exempt so (`OOM_SCORE_ADJ_MIN`).
const EXEMPT: i32 = -1000;

/// The process of the worst score among those that count to the group's limit, which may be a limit of
/// a group around it; none if all of them are exempt.
pub(super) fn next(cgroup: &MemoryCgroup, facts: &Facts<'_>) -> Option<NextKill> {
    let after = &facts.evidence.after;
    let page = after.memory.page_size.max(1);
    let limit = cgroup.limit.as_ref();
    let full = limit.map_or(cgroup.path.as_str(), |it| it.cgroup.as_str());
    let available = limit.map_or_else(|| of_machine(after), |it| it.bytes);
    let processes = after.processes.iter().flat_map(|it| &it.processes);
    let within = processes.filter(|it| it.cgroup.as_deref().is_some_and(|it| is_in(it, full)));
    // The kernel divides pages, and drops the rest.
    let thousandth = (available / page / 1000).saturating_mul(page);
    let scored = within.filter_map(|it| Some((badness(it, thousandth)?, it)));
    let (badness, worst) = scored.max_by_key(|(badness, _)| *badness)?;
    Some(NextKill {
        process: worst.clone(),
        score: thousandths(badness, available),
    })
}

/// Without a limit of a group, memory and swap of the machine are what is full.
fn of_machine(snapshot: &Snapshot) -> u64 {
    let meminfo = &snapshot.memory.meminfo;
    let bytes = ["MemTotal", "SwapTotal"].map(|name| meminfo.get(name).copied().unwrap_or(0));
    bytes.into_iter().fold(0, u64::saturating_add)
}

fn is_in(cgroup: &str, other: &str) -> bool {
    let below = cgroup.strip_prefix(other);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || other.ends_with('/'))
}

/// What it has of memory, swap and page tables, and what its owner adds in thousandths of what there is
/// (`oom_badness`); none of what is not killed, as the first process and those without memory.
fn badness(process: &Process, thousandth: u64) -> Option<i64> {
    const FIRST: u32 = 1;
    let added = process.oom_score_adj.unwrap_or(0);
    let has = process.rss_bytes?;
    let more = [process.swap_bytes, process.page_table_bytes];
    let has = more.into_iter().flatten().fold(has, u64::saturating_add);
    let thousandth = i64::try_from(thousandth).unwrap_or(i64::MAX);
    let is_exempt = added == EXEMPT || process.pid == FIRST;
    let has = i64::try_from(has).unwrap_or(i64::MAX);
    (!is_exempt).then(|| has.saturating_add(thousandth.saturating_mul(added.into())))
}

fn thousandths(badness: i64, available: u64) -> i64 {
    let available = i64::try_from(available.max(1)).unwrap_or(i64::MAX);
    badness.saturating_mul(1000) / available
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::doctor::{
            Balances, large_bytes,
            sample::{MIB, evidence, snapshot},
        },
        model::{MemoryLimit, Processes},
    };

    fn process(pid: u32, mib: u64, oom_score_adj: i32, cgroup: &str) -> Process {
        Process {
            pid,
            rss_bytes: Some(mib * MIB),
            oom_score_adj: Some(oom_score_adj),
            cgroup: Some(cgroup.to_owned()),
            ..Process::default()
        }
    }

    /// The pid and the score of the next, where so many MiB are the limit of such a group.
    fn next_of(processes: &[Process], limit: Option<(&str, u64)>) -> Option<(u32, i64)> {
        let mut after = snapshot(0);
        after.processes = Some(Processes {
            processes: processes.to_vec(),
            ..Processes::default()
        });
        let evidence = evidence(snapshot(0), after);
        let facts = Facts {
            balances: Balances::of(&evidence).expect("they have one"),
            evidence: &evidence,
            traced: None,
            large: large_bytes(0),
        };
        let group = MemoryCgroup {
            path: "/pod/one".to_owned(),
            limit: limit.map(|(cgroup, mib)| MemoryLimit {
                bytes: mib * MIB,
                cgroup: cgroup.to_owned(),
            }),
            ..MemoryCgroup::default()
        };
        next(&group, &facts).map(|it| (it.process.pid, it.score))
    }

    #[test]
    fn the_largest_is_next_unless_its_owner_says_otherwise() {
        let mut swapped = process(5, 10, 0, "/pod/one");
        swapped.swap_bytes = Some(30 * MIB);
        swapped.page_table_bytes = Some(10 * MIB);
        let all = [
            process(2, 45, 0, "/pod/one"),
            process(3, 40, 200, "/pod/one"),
            process(4, 60, -1000, "/pod/one"),
            swapped,
            process(6, 90, 0, "/pod/oneself"),
        ];
        let of = |processes| next_of(processes, Some(("/pod/one", 100)));
        assert_eq!(of(&all), Some((3, 595)));
        assert_eq!(of(&all[..1]), Some((2, 450)));
        assert_eq!(of(&all[3..]), Some((5, 500)));
        assert_eq!(of(&all[2..3]), None, "it is exempt");
    }

    #[test]
    fn all_groups_below_the_limit_are_one() {
        let all = [
            process(2, 45, 0, "/pod/one"),
            process(3, 50, 0, "/pod/two/deep"),
            process(4, 60, 0, "/other"),
            Process::default(),
        ];
        assert_eq!(next_of(&all, Some(("/pod", 100))), Some((3, 500)));
        assert_eq!(next_of(&all, Some(("/", 100))), Some((4, 600)));
        assert_eq!(next_of(&all, None), Some((2, 2)));
    }

    #[test]
    fn the_first_process_is_never_killed() {
        let all = [process(1, 45, 0, "/pod/one")];
        assert_eq!(next_of(&all, Some(("/pod/one", 100))), None);
    }
}
