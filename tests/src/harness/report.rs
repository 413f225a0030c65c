//! A report, with its frames at hand.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::document::{
    ControlGroup, Cost, Document, Entry, Frame, HeldPages, Host, Limitation, Losses, Meminfo,
    RecursionMisses, Selection, SiteRecord, Task, Totals, Unfreed, Window,
};
use crate::announcement::PagesByOrder;

/// The document, its sites as they are ranked, the best first.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Document")]
pub struct Report {
    /// Name and version of its form.
    pub schema: String,
    /// Name and version of what made it.
    pub tool: (String, String),
    /// The machine.
    pub host: Host,
    /// The time that was watched.
    pub window: Window,
    /// What tracing cost.
    pub cost: Cost,
    /// What was lost.
    pub losses: Losses,
    /// What could not be done.
    pub limitations: Vec<Limitation>,
    /// The kernel's counters.
    pub meminfo: Option<Meminfo>,
    /// Pages taken in the window.
    pub taken_pages: u64,
    /// Every site, those with ranked pages first.
    pub sites: Vec<Site>,
    /// What was asked for.
    pub selection: Selection,
    /// Sums over all sites.
    pub totals: Totals,
    /// The ranking; its shares are those of the document's sites.
    pub entries: Vec<Entry>,
}

/// One call site.
#[derive(Clone, Debug)]
pub struct Site {
    /// The function that asked for the pages, an address, or why there is no stack.
    pub owner: String,
    /// The owner's module.
    pub module: Option<String>,
    /// The stack, innermost first.
    pub frames: Vec<Frame>,
    /// Whoever was interrupted.
    pub interrupted_frames: Vec<Frame>,
    /// Who took the pages.
    pub context: String,
    /// The task that came here first.
    pub first_seen: Option<Task>,
    /// The process that took all of the pages.
    pub process: Option<Task>,
    /// The cgroup whose tasks took all of the pages.
    pub cgroup: Option<ControlGroup>,
    /// Pages taken in the window.
    pub allocated_pages: u64,
    /// Those of them that were not freed.
    pub unfreed_pages: u64,
    /// Those of them that are ranked.
    pub ranked_pages: u64,
    /// The index of the entry that it is ranked in.
    entry: Option<usize>,
    /// The unfreed ones by kind.
    pub kinds: BTreeMap<String, u64>,
    /// The unfreed ones by order.
    pub orders: PagesByOrder,
    /// The unfreed ones by kind, order and epoch.
    pub unfreed: Vec<Unfreed>,
    /// Who has them.
    pub held_by: Vec<HeldPages>,
}

impl From<Document> for Report {
    fn from(document: Document) -> Self {
        let summary = document.summary;
        let mut records: Vec<_> = document.sites.into_iter().map(Some).collect();
        let mut sites = Vec::with_capacity(records.len());
        for (index, entry) in summary.entries.iter().enumerate() {
            for share in &entry.sites {
                let record = records[share.site].take().expect("a site is ranked once");
                let mut site = Site::new(record, &document.frames);
                (site.ranked_pages, site.entry) = (share.pages, Some(index));
                sites.push(site);
            }
        }
        let others = records.into_iter().flatten();
        sites.extend(others.map(|record| Site::new(record, &document.frames)));
        Self {
            sites,
            schema: document.schema,
            tool: (document.tool.name, document.tool.version),
            host: document.host,
            window: document.window,
            cost: document.cost,
            losses: document.losses,
            limitations: document.limitations,
            meminfo: document.meminfo,
            taken_pages: document.taken_pages,
            selection: summary.selection,
            totals: summary.totals,
            entries: summary.entries,
        }
    }
}

impl Site {
    /// One that is not ranked.
    fn new(record: SiteRecord, frames: &[Frame]) -> Self {
        let at = |indices: &[usize]| indices.iter().map(|&it| frames[it].clone()).collect();
        let owner = record.owner_frame.map(|it| &frames[it]);
        let name = owner.map(|it| it.symbol.clone().unwrap_or_else(|| it.address.clone()));
        let reason = record.no_stack.map(|it| match it.as_str() {
            "site-table-full" => "[site table full]".to_owned(),
            "lost" => "[stack lost]".to_owned(),
            "record-mismatch" => "[record mismatch]".to_owned(),
            other => panic!("no reason why there is no stack: {other}"),
        });
        let (mut kinds, mut orders) = (BTreeMap::new(), PagesByOrder::new());
        for unfreed in &record.unfreed {
            let pages: u64 = unfreed.by_epoch.iter().map(|(_, pages)| pages).sum();
            *kinds.entry(unfreed.kind.clone()).or_default() += pages;
            *orders.entry(unfreed.order).or_default() += pages;
        }
        Self {
            owner: name.or(reason).expect("an owner, or a reason why not"),
            module: owner.and_then(|it| it.module.clone()),
            frames: at(&record.stack),
            interrupted_frames: at(&record.interrupted),
            context: record.context,
            first_seen: record.first_seen,
            process: record.process,
            cgroup: record.cgroup,
            allocated_pages: record.allocated_pages,
            unfreed_pages: orders.values().sum(),
            ranked_pages: 0,
            entry: None,
            kinds,
            orders,
            unfreed: record.unfreed,
            held_by: record.held_by,
        }
    }

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

impl Window {
    /// Its length.
    pub const fn seconds(&self) -> f64 {
        self.record_seconds + self.drain_seconds
    }
}

impl Losses {
    /// Events of which nothing is known.
    pub fn lost_events(&self) -> u64 {
        self.recursion_misses.sum().unwrap_or(0) + self.out_of_range
    }
}

impl RecursionMisses {
    /// The sum; none where the kernel does not count.
    pub fn sum(&self) -> Option<u64> {
        Some(self.alloc? + self.free? + self.bulk.unwrap_or(0))
    }
}

impl Report {
    /// Why a feature is limited, if it is.
    pub fn limited(&self, feature: &str) -> Option<&str> {
        let mut limitations = self.limitations.iter();
        let limitation = limitations.find(|it| it.feature == feature)?;
        Some(&limitation.reason)
    }

    /// The entry in which a site is ranked.
    pub fn entry(&self, site: &Site) -> &Entry {
        let entry = site
            .entry
            .unwrap_or_else(|| panic!("not ranked: {site:#?}"));
        &self.entries[entry]
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
