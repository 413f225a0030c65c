//! Metrics in the OpenMetrics text format.

use std::{collections::BTreeMap, fmt, sync::atomic::AtomicU64};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use crate::model::{LookMetrics, Losses, Metrics, SiteMetrics};

type Real = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SiteLabel {
    site: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SiteInfo {
    site: String,
    function: String,
    module: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HolderKind {
    kind: String,
}

/// `id` is what cAdvisor calls the path of a control group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CgroupPath {
    id: String,
}

/// The text that a scraper reads. What could not be measured is not in it.
pub fn open_metrics(metrics: &Metrics) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("pagetrace");
    memory(&mut registry, metrics);
    cost(&mut registry, metrics);
    losses(&mut registry, &metrics.losses);
    if let Some(look) = &metrics.look {
        looked(&mut registry, look);
    }
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

fn memory(registry: &mut Registry, metrics: &Metrics) {
    bytes(
        registry,
        "memory_unaccounted",
        "Memory that no counter of the kernel accounts for; below zero, counters overlap",
        metrics.unaccounted_bytes,
    );
    bytes(
        registry,
        "outstanding",
        "Memory that was taken since recording began and not given back",
        i64::try_from(metrics.outstanding_bytes).ok(),
    );
    let taken = counter(metrics.taken_pages);
    let help = "Page frames taken since recording began";
    registry.register("taken_pages", help, taken);
    let cases = counter(metrics.saved_cases);
    registry.register("saved_cases", "Cases that were saved", cases);
}

fn cost(registry: &mut Registry, metrics: &Metrics) {
    let seconds = [
        (
            "recording",
            "Time since recording began",
            Some(metrics.recording),
        ),
        (
            "process_cpu",
            "CPU time of pagetrace itself, without its programs in the kernel",
            metrics.process_cpu,
        ),
    ];
    for (name, help, value) in seconds {
        if let Some(value) = value {
            let counter = Counter::<f64, AtomicU64>::default();
            counter.inc_by(value.count());
            registry.register_with_unit(name, help, Unit::Seconds, counter);
        }
    }
    let resident = metrics.process_resident_bytes;
    let resident = resident.and_then(|it| i64::try_from(it).ok());
    bytes(
        registry,
        "process_resident",
        "Memory of pagetrace itself",
        resident,
    );
    let tables = i64::try_from(metrics.table_bytes).ok();
    bytes(registry, "tables", "Kernel memory of its tables", tables);
}

fn losses(registry: &mut Registry, losses: &Losses) {
    let events = counter(losses.events);
    let help = "Allocations and frees that the kernel told of, the lost ones included";
    registry.register("events", help, events);
    let lost = Family::<Reason, Counter>::default();
    let misses = losses.recursion_misses;
    let reasons = [
        ("recursion_alloc", misses.alloc),
        ("recursion_free", misses.free),
        ("recursion_bulk", misses.bulk),
        ("site_table_full", Some(losses.site_table_full)),
        ("failed_unwind", Some(losses.failed_unwinds)),
        ("nested", Some(losses.nested_allocations)),
        ("out_of_range", Some(losses.out_of_range)),
        ("missed_free", Some(losses.missed_frees_at_reuse_pages)),
        ("unread_bulk", losses.unread_bulk_pages),
    ];
    for (reason, count) in reasons {
        if let Some(count) = count {
            lost.get_or_create(&Reason { reason }).inc_by(count);
        }
    }
    let help = "Events that were lost, or of which a part is not known";
    registry.register("events_lost", help, lost);
}

fn looked(registry: &mut Registry, look: &LookMetrics) {
    let taken_at = Real::default();
    taken_at.set(look.taken_at.as_millisecond() as f64 / 1e3);
    let help = "When every page was looked at last, since 1970";
    registry.register_with_unit("look_timestamp", help, Unit::Seconds, taken_at);
    let duration = Real::default();
    duration.set(look.seconds.count());
    let help = "How long that took";
    registry.register_with_unit("look_duration", help, Unit::Seconds, duration);
    bytes(
        registry,
        "memory_unexplained",
        "Unaccounted memory that nobody was found to hold",
        look.unexplained_bytes,
    );
    if let Some(ratio) = look.explained_ratio {
        let explained = Real::default();
        explained.set(ratio);
        let help = "The part of unaccounted memory that has a holder";
        registry.register("explained_ratio", help, explained);
    }
    if let Some(holders) = &look.holder_bytes {
        held(registry, holders);
    }
    if let Some(groups) = &look.cgroup_bytes {
        grouped(registry, groups);
    }
    sites(registry, &look.sites, look.other_sites_bytes);
}

fn held(registry: &mut Registry, holders: &BTreeMap<String, u64>) {
    let held = Family::<HolderKind, Gauge>::default();
    for (kind, bytes) in holders {
        let kind = kind.clone();
        held.get_or_create(&HolderKind { kind }).set(signed(*bytes));
    }
    let help = "What each kind of holder has of the memory that no counter shows";
    registry.register_with_unit("holder", help, Unit::Bytes, held);
}

fn grouped(registry: &mut Registry, groups: &[(String, u64)]) {
    let grouped = Family::<CgroupPath, Gauge>::default();
    for (id, bytes) in groups {
        let id = id.clone();
        grouped
            .get_or_create(&CgroupPath { id })
            .set(signed(*bytes));
    }
    let help = "What each memory control group has of the memory that no counter shows";
    registry.register_with_unit("cgroup", help, Unit::Bytes, grouped);
}

/// A site in place of all that are not shown.
const OTHER: &str = "other";

fn sites(registry: &mut Registry, sites: &[SiteMetrics], others: u64) {
    let inuse = Family::<SiteLabel, Gauge>::default();
    let info = Family::<SiteInfo, Gauge>::default();
    let rest = (OTHER.to_owned(), others);
    let all = sites.iter().map(|it| (it.fingerprint.clone(), it.bytes));
    for (site, bytes) in all.chain([rest]) {
        inuse.get_or_create(&SiteLabel { site }).set(signed(bytes));
    }
    for site in sites {
        let labels = SiteInfo {
            site: site.fingerprint.clone(),
            function: site.function.clone(),
            module: site.module.clone().unwrap_or_default(),
        };
        info.get_or_create(&labels).set(1);
    }
    let help = "Memory that no counter shows, by the call site that took it";
    registry.register_with_unit("site_inuse", help, Unit::Bytes, inuse);
    let help = "The function of a call site that asked for the memory, and its module";
    registry.register("site_info", help, info);
}

fn bytes(registry: &mut Registry, name: &str, help: &str, value: Option<i64>) {
    if let Some(value) = value {
        let gauge = Gauge::<i64>::default();
        gauge.set(value);
        registry.register_with_unit(name, help, Unit::Bytes, gauge);
    }
}

fn counter(value: u64) -> Counter {
    let counter = Counter::default();
    counter.inc_by(value);
    counter
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_there_and_nothing_else() {
        let metrics = Metrics {
            unaccounted_bytes: Some(-4096),
            look: Some(LookMetrics {
                taken_at: jiff::Timestamp::UNIX_EPOCH,
                seconds: std::time::Duration::from_millis(250).into(),
                unexplained_bytes: Some(8192),
                explained_ratio: None,
                holder_bytes: Some([("pipe".to_owned(), 65_536)].into()),
                cgroup_bytes: Some(vec![("/kubepods/pod1".to_owned(), 32_768)]),
                sites: vec![SiteMetrics {
                    fingerprint: "3f0d".to_owned(),
                    function: "rx\"fill\n".to_owned(),
                    module: Some("virtio_net".to_owned()),
                    bytes: 12_288,
                }],
                other_sites_bytes: 4096,
            }),
            taken_pages: 7,
            ..Metrics::default()
        };
        let text = open_metrics(&metrics).expect("text");
        assert!(text.ends_with("# EOF\n"));
        // Within a family, there is no order.
        let mut lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        lines.sort_unstable();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
