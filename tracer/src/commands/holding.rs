//! Who holds page frames: two walks over the kernel's objects, and a look at every page frame after
//! them.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    time::Instant,
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::{explain::explain, page_frames::PageFrames};
use crate::{
    analysis::About,
    bpf::{self, KernelMemory, OwnerLayout},
    kernel::{
        btf::Btf,
        host::{self, Samples},
        memcg,
        objects::{self, Join, ObjectLayouts, Own, Places},
        page_census::PageCounts,
    },
    model::{
        Explanation, Feature, Found, Held, HoldersLosses, Holding, Limitation, PageBlock, PageKey,
        PageUse, Seconds,
    },
};

/// What was found at one moment.
pub(super) struct Look {
    pub(super) found: Found,
    pub(super) held: Held,
    pub(super) about: About,
    pub(super) taken_at: Timestamp,
    pub(super) seconds: Seconds,
    /// How many page frames a control group is charged for, by its address.
    pub(super) charged: HashMap<u64, u64>,
    pub(super) explanation: Option<Explanation>,
    pub(super) losses: HoldersLosses,
    pub(super) limitations: Vec<Limitation>,
}

/// Follows everything that can hold page frames.
pub(super) fn look() -> Result<Look> {
    look_and(|_, _, _| None, 0)
}

/// The same, and looks for what points to the page frames that nothing was found to hold.
pub(super) fn look_and_explain() -> Result<Look> {
    /// Blocks that are kept: 200 MB of them.
    const MOST: usize = 1 << 22;
    look_and(
        |frames, layouts, unheld| Some(explain(frames, layouts, unheld)),
        MOST,
    )
}

fn look_and(
    explain: impl FnOnce(&mut PageFrames, &OwnerLayout, &[PageBlock]) -> Option<Explanation>,
    kept: usize,
) -> Result<Look> {
    let (taken_at, started) = (Timestamp::now(), Instant::now());
    let blob = host::btf()?;
    let btf = Btf::parse(&blob)?;
    let layouts = ObjectLayouts::of(&btf).context("this kernel's objects cannot be followed")?;
    let samples = Samples::open();
    let mut limitations = missing(&layouts, &samples);
    let mut frames = PageFrames::look(&btf, &mut limitations)?;
    let places = frames
        .places()
        .context("where the kernel sees all memory was not found")?;
    let mut found = walk(&mut frames, &layouts, places, &samples);
    let again = walk(&mut frames, &layouts, places, &samples);
    let unconfirmed = found.confirmed_by(&again);
    let mut join = Join::new(&found.references).keeping(kept);
    let charged = charged(frames.count(&mut join)?);
    let (held, unheld) = join.finish();
    let explanation = explain(&mut frames, &OwnerLayout::of(&btf), &unheld);
    let losses = HoldersLosses {
        raced_queues: found.lost.raced,
        stray_pointers: found.lost.strays,
        unreadable_objects: found.lost.unreadable,
        unconfirmed_references: unconfirmed.values().sum(),
    };
    let about = About {
        page_size: rustix::param::page_size() as u64,
        unconfirmed,
        owners: owners(&mut frames, &btf, &held, &charged),
        cgroups: cgroups(&found, &held),
        mapped_by: mapped_by(&found, held_by(&held)),
    };
    Ok(Look {
        found,
        held,
        about,
        taken_at,
        seconds: started.elapsed().into(),
        charged,
        explanation,
        losses,
        limitations,
    })
}

/// The kinds of objects that are not followed here; an error where none is.
pub(super) fn followed() -> Result<Vec<Limitation>> {
    let blob = host::btf()?;
    let layouts = ObjectLayouts::of(&Btf::parse(&blob)?);
    let layouts = layouts.context("this kernel's objects cannot be followed")?;
    KernelMemory::open().context("the kernel's memory cannot be read")?;
    Ok(missing(&layouts, &Samples::open()))
}

/// Follows everything that can hold page frames, once.
pub(super) fn walk(
    frames: &mut PageFrames,
    layouts: &ObjectLayouts,
    places: Places,
    samples: &Samples,
) -> Found {
    let own = Own {
        process: frames.own_process,
        samples: &samples.numbers(),
    };
    objects::walk(&mut frames.memory, layouts, places, &frames.slabs, own)
}

/// The kinds of objects that are not followed here.
fn missing(layouts: &ObjectLayouts, samples: &Samples) -> Vec<Limitation> {
    let kinds = layouts.missing().into_iter();
    let kinds = kinds.map(|(kind, why)| format!("{kind} are not followed: {why}"));
    let files = samples.missing().iter();
    let files = files.map(|(kind, error)| {
        format!(
            "{}s are not followed: none can be opened: {error}",
            kind.name()
        )
    });
    let reasons = kinds.chain(files);
    reasons
        .map(|reason| Feature::PageHolders.degraded(reason))
        .collect()
}

/// How many page frames control groups are charged for, by their addresses.
fn charged(counts: PageCounts) -> HashMap<u64, u64> {
    let mut charged = HashMap::new();
    for (key, pages) in counts.pages {
        if key.page_use == PageUse::Charged {
            *charged.entry(key.owner).or_default() += pages;
        }
    }
    charged
}

/// The names of page pools' devices, and of control groups.
fn owners(
    frames: &mut PageFrames,
    btf: &Btf<'_>,
    held: &Held,
    charged: &HashMap<u64, u64>,
) -> HashMap<u64, Option<String>> {
    let pools = held.blocks.iter();
    let pools = pools.filter(|it| it.page_use == PageUse::PagePool);
    let pools = pools.map(|it| (PageUse::PagePool, it.owner));
    let groups = charged.keys().map(|group| (PageUse::Charged, *group));
    let keys: BTreeSet<_> = pools
        .chain(groups)
        .map(|(page_use, owner)| PageKey {
            page_use,
            owner,
            order: 0,
            node: 0,
        })
        .collect();
    bpf::owner_names(&mut frames.memory, &OwnerLayout::of(btf), &keys)
}

/// The objects that hold page frames, each as often as it does.
fn held_by(held: &Held) -> impl Iterator<Item = u32> {
    let held = held.blocks.iter().flat_map(|block| &block.held);
    held.map(|(object, _)| *object)
}

/// The memory control groups of the processes that hold page frames.
fn cgroups(found: &Found, held: &Held) -> HashMap<u32, String> {
    let objects: BTreeSet<_> = held_by(held).collect();
    let objects = objects
        .into_iter()
        .filter_map(|object| found.objects.get(object as usize));
    let tasks: BTreeSet<_> = objects
        .flat_map(|object| object.descriptors.iter().map(|(task, _)| *task))
        .collect();
    let tasks = tasks.into_iter();
    let cgroup = |task: u32| {
        let pid = found.task(task)?.pid;
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        Some((pid, memcg::path(&text)?.to_owned()))
    };
    tasks.filter_map(cgroup).collect()
}

/// The processes that have objects mapped of which nobody has a descriptor, by inode, if any of these
/// objects is one.
pub(super) fn mapped_by(
    found: &Found,
    objects: impl Iterator<Item = u32>,
) -> HashMap<u64, Vec<u32>> {
    let objects = objects.filter_map(|object| found.objects.get(object as usize));
    let mut without = objects
        .filter(|it| it.descriptors.is_empty() && it.holding == Holding::Unknown && it.inode != 0);
    let mut mapped_by = HashMap::<u64, Vec<u32>>::new();
    if without.next().is_some() {
        for mapping in host::shared_mappings() {
            mapped_by
                .entry(mapping.inode)
                .or_default()
                .push(mapping.pid);
        }
    }
    mapped_by
}
