//! The report: what one window found.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

use super::{AgeBucket, Context, Feature, Frame, Host, Kind, Limitation, Losses, Window};

/// All that one window found. Sites are many and share their frames, so whoever
/// serialises it adds them.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The machine.
    pub host: Host,
    /// The time that was watched.
    pub window: Window,
    /// Sums over all sites.
    pub totals: Totals,
    /// What was lost or not seen.
    pub losses: Losses,
    /// What this kernel or this user cannot do, as far as it touches the numbers.
    pub limitations: Vec<Limitation>,
    /// Every site with unfreed pages, best-ranked first.
    #[serde(skip)]
    pub sites: Vec<Site>,
    /// Pages taken in the window, the freed ones included.
    #[serde(skip)]
    pub taken_pages: u64,
    /// Unfreed pages that `--min-age` left out.
    #[serde(skip)]
    pub too_young_pages: u64,
}

/// Sums over all sites.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Pages taken in the window and not freed.
    pub unfreed_pages: u64,
    /// The same in bytes.
    pub unfreed_bytes: u64,
    /// Those of them that the sites are ranked by.
    pub ranked_pages: u64,
    /// The same in bytes.
    pub ranked_bytes: u64,
    /// Unfreed pages by kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// Number of sites.
    pub sites: usize,
}

/// One call site. Whoever serialises it adds the frames.
#[derive(Clone, Debug, Serialize)]
pub struct Site {
    /// Place in the ranking, from 1.
    pub rank: usize,
    /// The function that asked for the pages, or what is known instead.
    pub owner: String,
    /// The module of `owner`; none for the kernel proper.
    pub module: Option<String>,
    /// Pages taken in the window and not freed.
    pub unfreed_pages: u64,
    /// The same in bytes.
    pub unfreed_bytes: u64,
    /// Those of them that the site is ranked by: of the kinds, and in the
    /// module, that the user asked for.
    pub ranked_pages: u64,
    /// The same in bytes.
    pub ranked_bytes: u64,
    /// Pages taken in the window, the freed ones included.
    pub allocated_pages: u64,
    /// Unfreed pages by kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// Unfreed pages by the order of their allocation.
    pub orders: BTreeMap<u32, u64>,
    /// Sustained growth: the median over the slices of the recording of what
    /// each left behind, in bytes per second. A burst or a pool that renews
    /// itself has none.
    pub growth_bytes_per_second: u64,
    /// Unfreed pages by age, oldest first.
    pub age_histogram: Vec<AgeBucket>,
    /// Who took the pages: a task, or an interrupt.
    pub context: Context,
    /// The stack, innermost first, down to the entry of the interrupt if it is one's.
    #[serde(skip)]
    pub frames: Vec<Arc<Frame>>,
    /// The rest of the stack: whoever the interrupt came on top of, the first
    /// time. The pages are not theirs.
    #[serde(skip)]
    pub interrupted_frames: Vec<Arc<Frame>>,
    /// The pages the site is ranked by, by kind.
    #[serde(skip)]
    pub ranked_kinds: BTreeMap<Kind, u64>,
    /// Index of the owner in `frames`.
    #[serde(skip)]
    pub owner_frame: Option<usize>,
    /// Process id and name of the task that came here first.
    #[serde(skip)]
    pub first_seen: Option<(u32, String)>,
}

impl Report {
    /// What is limited of a feature, if anything is.
    pub fn limitation(&self, feature: Feature) -> Option<&Limitation> {
        self.limitations.iter().find(|it| it.feature == feature)
    }

    /// The sites that have pages of the kinds, and in the module, that the user
    /// asked for; the others come after them.
    pub fn ranked(&self) -> &[Site] {
        let ranked = self.sites.partition_point(|site| site.ranked_pages > 0);
        &self.sites[..ranked]
    }

    /// Pages that are out and that no site is ranked by, by kind.
    pub fn unranked_pages(&self) -> BTreeMap<Kind, u64> {
        let mut kinds = self.totals.kinds.clone();
        for (kind, ranked) in self.ranked().iter().flat_map(|site| &site.ranked_kinds) {
            if let Some(pages) = kinds.get_mut(kind) {
                *pages -= ranked;
            }
        }
        kinds.retain(|_, pages| *pages > 0);
        kinds
    }
}
