//! Who holds page frames: two walks over the kernel's objects, and a look at every page frame after
//! them.

use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::{
    explain::explain,
    page_frames::{PageFrames, first_look},
};
use crate::{
    analysis::{self, About, MappedBy},
    bpf::{self, KernelMemory, OwnerLayout},
    kernel::{
        btf::Btf,
        host::{self, Samples},
        objects::{self, Join, ObjectLayouts, Own, Places},
        page_census::PageCounts,
    },
    model::{
        Explanation, Feature, Found, Held, HoldersLosses, Holding, Limitation, PageKey, PageUse,
        Seconds,
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

/// Follows everything that can hold page frames; if asked, looks for what points to the page frames that
/// nothing was found to hold.
pub(super) fn look(explains: bool) -> Result<Look> {
    first_look(|mut first| {
        let frames = &mut first.frames;
        look_at(
            frames,
            first.btf,
            first.started,
            explains,
            first.limitations,
        )
    })
}

/// The same of page frames that were looked at once, which began at this time.
pub(super) fn look_at(
    frames: &mut PageFrames,
    btf: &Btf<'_>,
    (taken_at, started): (Timestamp, Instant),
    explains: bool,
    mut limitations: Vec<Limitation>,
) -> Result<Look> {
    /// Blocks that are kept to be explained: 200 MB of them.
    const MOST: usize = 1 << 22;
    let layouts = ObjectLayouts::of(btf, host::module_btf)
        .context("this kernel's objects cannot be followed")?;
    let samples = Samples::open(bpf::ring_buffers());
    limitations.extend(missing(&layouts, &samples));
    let places = frames
        .places()
        .context("where the kernel sees all memory was not found")?;
    let mut found = walk(frames, &layouts, places, &samples);
    let again = walk(frames, &layouts, places, &samples);
    let unconfirmed = found.confirmed_by(&again);
    let mut join = Join::new(&found.references).keeping(if explains { MOST } else { 0 });
    let charged = charged(frames.count(&mut join)?);
    let (held, unheld) = join.finish();
    let names = OwnerLayout::of(btf);
    let explanation = explains.then(|| explain(frames, &names, &unheld, &mut limitations));
    let losses = HoldersLosses {
        raced_queues: found.lost.raced,
        stray_pointers: found.lost.strays,
        unreadable_objects: found.lost.unreadable,
        unconfirmed_references: unconfirmed.values().sum(),
    };
    let mapped_by = mapped_by(&found, held.objects());
    let about = About {
        page_size: rustix::param::page_size() as u64,
        unconfirmed,
        owners: owners(frames, &names, &held, &charged),
        cgroups: cgroups(analysis::holding_processes(&found, &held, &mapped_by)),
        mapped_by,
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
    let layouts = ObjectLayouts::of(&Btf::parse(&blob)?, host::module_btf);
    let layouts = layouts.context("this kernel's objects cannot be followed")?;
    KernelMemory::open().context("the kernel's memory cannot be read")?;
    let mut missing = missing(&layouts, &Samples::open(bpf::ring_buffers()));
    let little = layouts.missing_little().map(not_followed);
    missing.extend(little.map(|reason| Feature::PageHolders.degraded(reason)));
    Ok(missing)
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
    let kinds = kinds.map(not_followed);
    let files = samples.missing().iter();
    let files = files.map(|(kind, error)| {
        format!(
            "{}s are not followed: none can be opened: {error:#}",
            kind.name()
        )
    });
    let reasons = kinds.chain(files);
    reasons
        .map(|reason| Feature::PageHolders.degraded(reason))
        .collect()
}

fn not_followed((kind, why): (&str, &str)) -> String {
    format!("{kind} are not followed: {why}")
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
    names: &OwnerLayout,
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
    bpf::owner_names(&mut frames.memory, names, &keys)
}

/// The memory control groups of these processes.
fn cgroups(processes: BTreeSet<u32>) -> HashMap<u32, String> {
    let processes = processes.into_iter();
    processes
        .filter_map(|pid| Some((pid, host::processes::memory_cgroup(pid)?)))
        .collect()
}

/// The processes that have objects mapped of which nobody has a descriptor, by inode, if any of these
/// objects is one.
pub(super) fn mapped_by(found: &Found, objects: impl Iterator<Item = u32>) -> MappedBy {
    let objects = objects.filter_map(|object| found.objects.get(object as usize));
    let mut without = objects
        .filter(|it| it.descriptors.is_empty() && it.holding == Holding::Unknown && it.inode != 0);
    let mut mapped_by = MappedBy::new();
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
