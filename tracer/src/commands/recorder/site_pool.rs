//! Call sites come and go for as long as the service runs: whose ids are used again.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::{analysis::Recorded, bpf::Tracer};

/// What was seen of the call sites at the last look.
pub(super) struct SitePool {
    max_sites: usize,
    /// How many pages each had taken, freed ones included.
    taken: BTreeMap<u32, u64>,
    /// Sites that no stack leads to any more, and that still have pages.
    left: BTreeSet<u32>,
    reused: u64,
}

impl SitePool {
    pub(super) const fn of(max_sites: u32) -> Self {
        Self {
            max_sites: max_sites as usize,
            taken: BTreeMap::new(),
            left: BTreeSet::new(),
            reused: 0,
        }
    }

    /// How many ids were used again.
    pub(super) const fn reused(&self) -> u64 {
        self.reused
    }

    /// If ids run short, has those used again whose sites have no page, and took none since the last
    /// look.
    pub(super) fn reuse(&mut self, tracer: &mut Tracer, recorded: &Recorded) -> Result<()> {
        let records = &recorded.records;
        let taken = records.iter().map(|(&id, it)| (id, it.allocated_pages));
        let before = std::mem::replace(&mut self.taken, taken.collect());
        let in_use = tracer.sites_in_use()?;
        if in_use.len() + self.left.len() <= self.max_sites / 4 * 3 {
            return Ok(());
        }
        let have_pages: BTreeSet<_> = recorded.survivors.sites().collect();
        let is_idle = |id: &u32| {
            let took_none = before
                .get(id)
                .is_some_and(|it| self.taken.get(id) == Some(it));
            took_none && !have_pages.contains(id)
        };
        let idle: BTreeSet<_> = in_use.union(&self.left).copied().filter(is_idle).collect();
        if idle.is_empty() {
            return Ok(());
        }
        let still_left: BTreeSet<_> = self.left.difference(&idle).copied().collect();
        let count = idle.len();
        self.left = tracer.reuse_sites(idle)?;
        self.reused += (count - self.left.len()) as u64;
        self.left.extend(still_left);
        Ok(())
    }
}
