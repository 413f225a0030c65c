//! The JSON document `pagetrace.report/2`, field by field. A field that is
//! missing, renamed or added is an error: these types are the schema's snapshot.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// The document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) schema: String,
    pub(super) tool: Tool,
    pub(super) host: Host,
    pub(super) window: Window,
    pub(super) cost: Cost,
    pub(super) losses: Losses,
    pub(super) limitations: Vec<Limitation>,
    #[serde(deserialize_with = "present")]
    pub(super) meminfo: Option<Meminfo>,
    pub(super) taken_pages: u64,
    /// Not there where tracefs is not.
    #[serde(default)]
    #[expect(dead_code, reason = "the schema has it")]
    pub(super) gfp_flags: BTreeMap<String, u32>,
    #[expect(dead_code, reason = "the schema has it")]
    pub(super) images: Vec<Image>,
    pub(super) frames: Vec<Frame>,
    pub(super) sites: Vec<SiteRecord>,
    pub(super) summary: Summary,
}

/// What made it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) version: String,
}

/// The machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "docs/ describes the schema; these are its names"
)]
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
    pub record_seconds: f64,
    pub drain_seconds: f64,
    pub epochs: Vec<f64>,
    /// Not there unless a service was asked for its last minutes.
    pub recorded_before_seconds: Option<f64>,
    pub scope: String,
    pub filters: Vec<String>,
    /// Not there unless takers were told apart.
    pub takers: Option<String>,
}

/// What tracing cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Cost {
    #[serde(deserialize_with = "present")]
    pub process_cpu_seconds: Option<f64>,
    /// `null` unless the kernel measured it.
    #[serde(deserialize_with = "present")]
    pub programs: Option<ProgramTime>,
}

/// CPU time of the programs.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct ProgramTime {
    pub runs: u64,
    pub nanoseconds: u64,
}

/// The kernel's counters, before and after.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Meminfo {
    pub started: BTreeMap<String, u64>,
    pub ended: BTreeMap<String, u64>,
}

/// What was lost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Losses {
    pub events: u64,
    pub recursion_misses: RecursionMisses,
    /// `null` if pages could not be verified.
    #[serde(deserialize_with = "present")]
    pub missed_frees_at_end_pages: Option<u64>,
    pub missed_frees_at_reuse_pages: u64,
    pub unknown_reference_pages: u64,
    pub unnamed_pages: u64,
    pub site_table_full: u64,
    pub failed_unwinds: u64,
    pub nested_allocations: u64,
    pub mismatched_sites: u64,
    pub unmatched_frees: u64,
    pub out_of_range: u64,
    pub failed_allocations: u64,
    pub own_pages: u64,
    /// `null` if no bulk call was looked at.
    #[serde(deserialize_with = "present")]
    pub unread_bulk_pages: Option<u64>,
    /// `null` if the kernel unwound every stack.
    #[serde(deserialize_with = "present")]
    pub unwind_rules: Option<UnwindRules>,
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
pub struct UnwindRules {
    pub hits: u64,
    pub misses: u64,
    pub checked: u64,
    pub mismatched: u64,
}

/// Events kept from each program; `null` on kernels that do not count them.
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

/// One call site, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteRecord {
    pub(super) stack: Vec<usize>,
    #[serde(deserialize_with = "present")]
    pub(super) no_stack: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(super) owner_frame: Option<usize>,
    pub(super) context: String,
    pub(super) interrupted: Vec<usize>,
    #[serde(deserialize_with = "present")]
    pub(super) first_seen: Option<Task>,
    /// Not there unless processes were told apart.
    pub(super) process: Option<Task>,
    /// Not there unless cgroups were told apart.
    pub(super) cgroup: Option<ControlGroup>,
    pub(super) allocated_pages: u64,
    pub(super) unfreed: Vec<Unfreed>,
    #[serde(default)]
    pub(super) held_by: Vec<HeldPages>,
}

/// Who has pages, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldPages {
    /// Who.
    pub holder: String,
    /// What tells it from others.
    pub key: String,
    /// How many.
    pub pages: u64,
}

/// A task.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Task {
    pub pid: u32,
    pub name: String,
}

/// A cgroup of version 2.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlGroup {
    /// The inode of its folder.
    pub id: u64,
    /// Where it lies below the root.
    #[serde(deserialize_with = "present")]
    pub path: Option<String>,
}

/// Pages of one kind and order.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Unfreed {
    pub kind: String,
    pub order: u32,
    /// Not there if it is not known.
    pub gfp: Option<u32>,
    pub by_epoch: Vec<(usize, u64)>,
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

/// An image of code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the schema has it")]
pub(super) struct Image {
    #[serde(deserialize_with = "present")]
    pub(super) module: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(super) build_id: Option<String>,
    pub(super) text_address: String,
}

/// What is shown.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Summary {
    pub(super) selection: Selection,
    pub(super) totals: Totals,
    pub(super) entries: Vec<Entry>,
}

/// What was asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Selection {
    pub by: String,
    pub sort: String,
    pub min_age_seconds: f64,
    pub kinds: Vec<String>,
    #[serde(deserialize_with = "present")]
    pub module: Option<String>,
}

/// Sums over all sites.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Totals {
    pub unfreed_pages: u64,
    pub unfreed_bytes: u64,
    pub kinds: BTreeMap<String, u64>,
    pub ranked_pages: u64,
    pub ranked_bytes: u64,
    pub ranked_kinds: BTreeMap<String, u64>,
    pub stackless_pages: u64,
    pub too_young_pages: u64,
    pub sites: u64,
    pub growth_bytes_per_second: u64,
    pub drain_estimate_bytes: u64,
    pub lost_events: u64,
}

/// One line of the ranking.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Entry {
    pub rank: u64,
    pub owner: String,
    #[serde(deserialize_with = "present")]
    pub module: Option<String>,
    pub contexts: Vec<String>,
    pub pages: u64,
    pub bytes: u64,
    pub kinds: BTreeMap<String, u64>,
    pub orders: BTreeMap<u32, u64>,
    pub allocated_pages: u64,
    pub growth_bytes_per_second: u64,
    /// Not there beyond the first thousand.
    #[serde(default)]
    pub growth: Option<Trend>,
    pub age_histogram: Vec<AgeBucket>,
    #[serde(default)]
    pub held_by: Vec<HeldPages>,
    pub known: Option<KnownOwner>,
    pub sites: Vec<Share>,
}

/// Whether an entry goes on growing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Trend {
    pub verdict: String,
    #[serde(deserialize_with = "present")]
    pub doubt: Option<String>,
    #[serde(deserialize_with = "present")]
    pub would_tell_seconds: Option<f64>,
    #[serde(deserialize_with = "present")]
    pub bytes_per_second: Option<Rate>,
    #[serde(deserialize_with = "present")]
    pub kept_share: Option<f64>,
    #[serde(deserialize_with = "present")]
    pub oldest_seconds: Option<f64>,
    pub sixteenths: u64,
    pub epochs: u64,
    pub watched_seconds: f64,
}

/// A rate, and between what it lies.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Rate {
    pub value: i64,
    pub low: i64,
    pub high: i64,
}

/// What is known of whoever takes such pages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct KnownOwner {
    pub name: String,
    pub what: String,
}

/// What one site has of an entry.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct Share {
    pub site: usize,
    pub pages: u64,
}

/// Pages of one range of ages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as above")]
pub struct AgeBucket {
    pub from_seconds: f64,
    pub to_seconds: f64,
    pub pages: u64,
}

/// Serde takes a missing field for `None`; with a function of its own, only `null` is.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    field: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(field)
}
