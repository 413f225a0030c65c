//! Cases that are saved by themselves when memory goes missing, or when the kernel kills for memory.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use crate::{
    analysis,
    cli::{Output, SaveArgs},
    commands::{
        destination::Destination,
        doctor,
        proc::watching::Watching,
        recorder::Recorder,
        take::{self, Parts},
    },
    kernel::host,
    model::{Case, Evidence, MemoryCounters, Snapshot, Threshold},
    render,
};

/// How often the counters are read.
const POLL: Duration = Duration::from_secs(10);

/// How old what a case is compared with becomes, unless it is of a case before.
const RENEWED: Duration = Duration::from_secs(3600);

/// So long after a case no other is saved: it would have no past.
const SELDOM: Duration = Duration::from_secs(60);

/// What a file takes beside its bytes, at most.
const SLACK: u64 = 64 << 10;

/// The name of a case's file begins and ends like this; no other file is ever touched.
const PREFIX: &str = "pagetrace-case-";
const SUFFIX: &str = ".json.zst";

/// What is watched for, and where cases go.
pub(super) struct Cases {
    folder: PathBuf,
    growth_bytes: u64,
    keep: usize,
    keep_bytes: u64,
    calm: Calm,
    next: Instant,
    saved: u64,
}

/// The machine as it was when nothing was wrong, or when the last case was saved.
struct Calm {
    at: Instant,
    snapshot: Snapshot,
    counts: Counts,
}

/// What tells that something is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    unaccounted_bytes: i64,
    /// Processes killed for memory since the boot; none where the kernel does not count them.
    oom_kills: Option<u64>,
}

/// Why a case is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// Memory that no counter shows grew by so many bytes.
    Growth(i64),
    /// So many processes were killed.
    Kills(u64),
}

impl Counts {
    fn of(memory: &MemoryCounters) -> Result<Self> {
        Ok(Self {
            unaccounted_bytes: analysis::balance(memory, Threshold::Usual)?.unaccounted_bytes,
            oom_kills: memory.vmstat.get("oom_kill").copied(),
        })
    }

    /// What went wrong since `before`, if anything did.
    fn reason(self, before: Self, growth_bytes: u64) -> Option<Reason> {
        let growth = self
            .unaccounted_bytes
            .saturating_sub(before.unaccounted_bytes);
        let kills = self.oom_kills.zip(before.oom_kills);
        let kills = kills.map_or(0, |(now, then)| now.saturating_sub(then));
        if kills > 0 {
            return Some(Reason::Kills(kills));
        }
        let is_much = u64::try_from(growth).is_ok_and(|growth| growth >= growth_bytes);
        is_much.then_some(Reason::Growth(growth))
    }
}

impl Calm {
    fn now() -> Result<Self> {
        let at = Instant::now();
        let snapshot = take::running(Parts::ALL)?;
        let counts = Counts::of(&snapshot.memory)?;
        Ok(Self {
            at,
            snapshot,
            counts,
        })
    }
}

impl Cases {
    /// Makes sure that the folder can be written to, and looks at the machine; none if no case is to
    /// be saved.
    pub(super) fn watch(args: &SaveArgs) -> Result<Option<Self>> {
        let Some(folder) = &args.save else {
            return Ok(None);
        };
        let context = || format!("cannot save cases in {}", folder.display());
        fs::create_dir_all(folder).with_context(context)?;
        Destination::open(&Output::File(folder.join(PREFIX.to_owned() + SUFFIX)))?;
        let calm = Calm::now()?;
        let total = calm.snapshot.host.mem_total_bytes;
        Ok(Some(Self {
            folder: folder.clone(),
            growth_bytes: args.save_at.bytes(total),
            keep: args.keep as usize,
            keep_bytes: args.keep_bytes,
            calm,
            next: Instant::now() + POLL,
            saved: 0,
        }))
    }

    /// When to look again.
    pub(super) const fn next_due(&self) -> Instant {
        self.next
    }

    /// How many were saved.
    pub(super) const fn saved(&self) -> u64 {
        self.saved
    }

    /// Looks whether something is wrong, if it is time; what cannot be read or written is said, and
    /// tried again.
    pub(super) fn look_if_due(&mut self, recorder: &mut Recorder) {
        if Instant::now() < self.next {
            return;
        }
        if let Err(error) = self.look(recorder) {
            render::say(&format!("cannot save a case: {}", render::sentence(&error)));
        }
        self.next = Instant::now() + POLL;
    }

    fn look(&mut self, recorder: &mut Recorder) -> Result<()> {
        let age = self.calm.at.elapsed();
        let (memory, _) = host::memory_counters()?;
        let reason = Counts::of(&memory)?.reason(self.calm.counts, self.growth_bytes);
        match reason {
            Some(reason) if self.saved == 0 || age >= SELDOM => self.save(recorder, reason),
            None if age >= RENEWED => {
                self.calm = Calm::now()?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn save(&mut self, recorder: &mut Recorder, reason: Reason) -> Result<()> {
        let trace = recorder.report(Some(self.calm.at.elapsed()))?;
        let mut now = Calm::now()?;
        let before = self.calm.snapshot.clone();
        let watched = before
            .processes
            .clone()
            .zip(now.snapshot.processes.as_ref());
        let grown = |(before, now)| doctor::grown(Watching::new(before), now);
        let evidence = Evidence {
            processes: watched.map(grown).unwrap_or_default(),
            before,
            trace: Some(trace),
            against: None,
            limitations: Vec::new(),
            boot_id: host::boot_id().ok(),
            after: now.snapshot,
        };
        let case = doctor::concluded(evidence, self.calm.at.elapsed().into())?;
        let path = self.folder.join(name(Timestamp::now()));
        self.write(&case, &path)?;
        // The next case is of what happens from here on.
        now.snapshot = case.evidence.after;
        self.calm = now;
        self.saved += 1;
        say_saved(reason, &path);
        self.let_old_ones_go()
    }

    /// All of it or nothing. If there is no room, the oldest cases give way, unless that would not help.
    fn write(&self, case: &Case, path: &Path) -> Result<()> {
        let mut bytes = Vec::new();
        take::compress(case, &mut bytes)?;
        let write = || {
            let destination = Destination::open(&Output::File(path.to_owned()))?;
            destination.write(|out| out.write_all(&bytes))
        };
        write().or_else(|error| {
            if !is_full(&error) {
                return Err(error);
            }
            let free = host::free_bytes(&self.folder)?;
            let missing = (bytes.len() as u64)
                .saturating_add(SLACK)
                .saturating_sub(free);
            let old = self.saved_ones()?;
            let number = giving(&old, missing).ok_or(error)?;
            remove(&old[..number])?;
            write()
        })
    }

    fn let_old_ones_go(&self) -> Result<()> {
        let cases = self.saved_ones()?;
        remove(&cases[..too_many(&cases, self.keep, self.keep_bytes)])
    }

    /// The cases in the folder, oldest first.
    fn saved_ones(&self) -> Result<Vec<SavedCase>> {
        let entries = fs::read_dir(&self.folder);
        let entries = entries.with_context(|| format!("cannot list {}", self.folder.display()))?;
        let mut cases: Vec<_> = entries.flatten().filter_map(|it| saved(&it)).collect();
        cases.sort_by(|a, b| (a.at, &a.path).cmp(&(b.at, &b.path)));
        Ok(cases)
    }
}

/// A case in the folder.
struct SavedCase {
    path: PathBuf,
    at: SystemTime,
    bytes: u64,
}

fn saved(entry: &fs::DirEntry) -> Option<SavedCase> {
    let name = entry.file_name().into_string().ok()?;
    let metadata = entry.metadata().ok()?;
    let is_case = name.starts_with(PREFIX) && name.ends_with(SUFFIX) && metadata.is_file();
    is_case.then(|| SavedCase {
        path: entry.path(),
        at: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        bytes: metadata.len(),
    })
}

/// How many of the oldest have to go, so that at most `keep` stay, of `keep_bytes` together; the newest
/// stays in any case.
fn too_many(cases: &[SavedCase], keep: usize, keep_bytes: u64) -> usize {
    let mut bytes = 0_u64;
    let newest_first = cases.iter().rev().enumerate();
    let mut kept = newest_first.take_while(|(place, case)| {
        bytes = bytes.saturating_add(case.bytes);
        *place == 0 || (*place < keep && bytes <= keep_bytes)
    });
    cases.len() - kept.by_ref().count()
}

/// How many of the oldest have so many bytes; none if all of them have not, or if it is not bytes that are
/// missing, as where a quota is used up.
fn giving(cases: &[SavedCase], bytes: u64) -> Option<usize> {
    let mut given = 0_u64;
    let enough = cases.iter().position(|case| {
        given = given.saturating_add(case.bytes);
        given >= bytes
    });
    enough.filter(|_| bytes > 0).map(|last| last + 1)
}

fn remove(cases: &[SavedCase]) -> Result<()> {
    for SavedCase { path, .. } in cases {
        fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// `pagetrace-case-20261126T081500Z.json.zst`.
fn name(now: Timestamp) -> String {
    format!("{PREFIX}{}{SUFFIX}", now.strftime("%Y%m%dT%H%M%SZ"))
}

fn is_full(error: &anyhow::Error) -> bool {
    let mut causes = error
        .chain()
        .filter_map(|it| it.downcast_ref::<io::Error>());
    causes.any(|it| it.kind() == io::ErrorKind::StorageFull)
}

fn say_saved(reason: Reason, path: &Path) {
    let why = match reason {
        Reason::Growth(bytes) => format!("{} more that no counter shows", render::size(bytes)),
        Reason::Kills(1) => "a process was killed for memory".to_owned(),
        Reason::Kills(kills) => format!("{kills} processes were killed for memory"),
    };
    render::say(&format!(
        "{why}: saved a case, `pagetrace report {}`",
        path.display()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Counts = Counts {
        unaccounted_bytes: 1000,
        oom_kills: Some(3),
    };

    #[test]
    fn growth_or_a_kill_is_a_reason() {
        let now = |unaccounted_bytes, oom_kills| {
            let now = Counts {
                unaccounted_bytes,
                oom_kills,
            };
            now.reason(BEFORE, 100)
        };
        assert_eq!(now(1099, Some(3)), None);
        assert_eq!(now(1100, Some(3)), Some(Reason::Growth(100)));
        assert_eq!(now(-5000, Some(5)), Some(Reason::Kills(2)));
        assert_eq!(now(1000, None), None);
    }

    fn case(bytes: u64) -> SavedCase {
        SavedCase {
            path: PathBuf::new(),
            at: SystemTime::UNIX_EPOCH,
            bytes,
        }
    }

    #[test]
    fn no_more_give_way_than_help() {
        let cases = [10, 20, 30].map(case);
        assert_eq!(giving(&cases, 10), Some(1));
        assert_eq!(giving(&cases, 11), Some(2));
        assert_eq!(giving(&cases, 60), Some(3));
        assert_eq!(giving(&cases, 61), None);
        assert_eq!(giving(&[], 1), None);
        assert_eq!(giving(&cases, 0), None);
    }

    #[test]
    fn the_newest_cases_stay() {
        let cases = [10, 20, 30].map(case);
        assert_eq!(too_many(&cases, 10, 60), 0);
        assert_eq!(too_many(&cases, 10, 59), 1);
        assert_eq!(too_many(&cases, 2, 1000), 1);
        assert_eq!(too_many(&cases, 1, 0), 2);
        assert_eq!(too_many(&[], 1, 0), 0);
    }
}
