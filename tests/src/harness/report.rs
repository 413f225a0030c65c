//! The JSON document `pagetrace.report/1`, field by field. A field that is
//! missing, renamed or added is an error: these types are the schema's snapshot.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::announcement::PagesByOrder;

/// The document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "docs/ describes the schema; these are its names"
)]
pub struct Report {
    pub schema: String,
    pub host: Host,
    pub window: Window,
    pub totals: Totals,
    pub losses: Losses,
    pub limitations: Vec<Limitation>,
    pub sites: Vec<Site>,
}

/// The machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Host {
    pub kernel: String,
    pub arch: String,
    pub cpus: u64,
    pub page_size: u64,
    pub mem_total_bytes: u64,
}

/// The time that was watched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Window {
    pub started: String,
    pub seconds: f64,
    pub record_seconds: f64,
    pub drain_seconds: f64,
    pub scope: String,
    pub filters: Vec<String>,
}

/// Sums over all sites.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Totals {
    pub unfreed_pages: u64,
    pub unfreed_bytes: u64,
    pub ranked_pages: u64,
    pub ranked_bytes: u64,
    pub kinds: BTreeMap<String, u64>,
    pub sites: u64,
}

/// What was lost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Losses {
    pub events: u64,
    pub lost_events: u64,
    /// `null` on kernels that do not count them.
    #[serde(deserialize_with = "present")]
    pub recursion_misses: Option<u64>,
    pub recursion_misses_by_program: RecursionMisses,
    /// `null` if pages could not be verified.
    #[serde(deserialize_with = "present")]
    pub phantom_pages: Option<u64>,
    pub healed_pages: u64,
    pub site_table_full: u64,
    pub failed_unwinds: u64,
    pub nested_allocations: u64,
    pub mismatched_sites: u64,
    pub mismatched_pages: u64,
    pub unmatched_frees: u64,
    pub out_of_range: u64,
    pub failed_allocations: u64,
    pub own_pages: u64,
    /// `null` if no bulk call was looked at.
    #[serde(deserialize_with = "present")]
    pub unread_bulk_pages: Option<u64>,
    /// `null` if the kernel unwound every stack.
    #[serde(deserialize_with = "present")]
    pub templates: Option<Templates>,
}

/// What cannot be done here.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Limitation {
    pub feature: String,
    pub reason: String,
    #[serde(deserialize_with = "present")]
    pub remedy: Option<String>,
    pub severity: String,
}

/// How stacks were unwound.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Templates {
    pub hits: u64,
    pub misses: u64,
    pub checked: u64,
    pub mismatched: u64,
}

/// Events kept from each program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct RecursionMisses {
    #[serde(deserialize_with = "present")]
    pub alloc: Option<u64>,
    #[serde(deserialize_with = "present")]
    pub free: Option<u64>,
    #[serde(deserialize_with = "present")]
    pub bulk: Option<u64>,
}

/// One call site.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Site {
    pub rank: u64,
    pub owner: String,
    #[serde(deserialize_with = "present")]
    pub module: Option<String>,
    pub unfreed_pages: u64,
    pub unfreed_bytes: u64,
    pub ranked_pages: u64,
    pub ranked_bytes: u64,
    pub allocated_pages: u64,
    pub kinds: BTreeMap<String, u64>,
    pub orders: BTreeMap<u32, u64>,
    pub growth_bytes_per_second: f64,
    pub age_histogram: Vec<AgeBucket>,
    pub context: String,
    pub frames: Vec<Frame>,
    pub interrupted_frames: Vec<Frame>,
}

/// Unfreed pages of one range of ages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct AgeBucket {
    pub from_seconds: f64,
    pub to_seconds: f64,
    pub pages: u64,
}

/// One function on a stack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Frame {
    #[serde(deserialize_with = "present")]
    pub symbol: Option<String>,
    #[serde(deserialize_with = "present")]
    pub offset: Option<u64>,
    #[serde(deserialize_with = "present")]
    pub module: Option<String>,
    pub address: String,
    #[serde(deserialize_with = "present")]
    pub file: Option<String>,
    #[serde(deserialize_with = "present")]
    pub line: Option<u32>,
    pub inlined: bool,
}

/// Serde takes a missing field for `None`; with a function of its own, only `null` is.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    field: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(field)
}

impl Report {
    /// Why a feature is limited, if it is.
    pub fn limited(&self, feature: &str) -> Option<&str> {
        let mut limitations = self.limitations.iter();
        let limitation = limitations.find(|it| it.feature == feature)?;
        Some(&limitation.reason)
    }

    /// The sites that match.
    pub fn sites_where(&self, matches: impl Fn(&Site) -> bool) -> Vec<&Site> {
        self.sites.iter().filter(|site| matches(site)).collect()
    }

    /// The unfreed pages of the sites that match, by the order of their allocations.
    pub fn pages_where(&self, matches: impl Fn(&Site) -> bool) -> PagesByOrder {
        let mut pages = PagesByOrder::new();
        let sites = self.sites.iter().filter(|site| matches(site));
        for (order, more) in sites.flat_map(|site| &site.orders) {
            *pages.entry(*order).or_default() += more;
        }
        pages
    }

    /// How many pages the sites that match have.
    pub fn sum_where(&self, matches: impl Fn(&Site) -> bool) -> u64 {
        self.pages_where(matches).values().sum()
    }
}

impl Site {
    /// Whether some frame's name contains `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.symbols().any(|symbol| symbol.contains(name))
    }

    /// Whether the pages became slabs, whoever asked for the object.
    pub fn through_slab(&self) -> bool {
        self.symbols().any(|symbol| symbol.contains("slab"))
    }

    /// Whether the work of an interrupt took the pages, on top of some task.
    pub fn in_interrupt(&self) -> bool {
        self.context != "task"
    }

    /// The names of the frames that have one, innermost first.
    pub fn symbols(&self) -> impl Iterator<Item = &str> {
        self.frames
            .iter()
            .filter_map(|frame| frame.symbol.as_deref())
    }
}
