//! The tables of one look.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::{
    analysis::summary,
    model::{
        Choice as _, Entry, HeldPages, Kind, KindChoice, Look, Process, Report, Selection, Summary,
        TopRow, TopSort, TopTab,
    },
};

/// The lines of all tables.
#[derive(Clone, Debug, PartialEq)]
pub struct Tables {
    /// The functions with pages of the kinds that were asked for.
    summary: Summary,
    rows: [Vec<TopRow>; TopTab::ALL.len()],
}

impl Tables {
    /// The tables of a look, where functions are ranked by pages of these kinds.
    pub fn of(look: &Look, kinds: &[KindChoice]) -> Self {
        let report = &look.report;
        let of = |kinds| Selection {
            kinds: KindChoice::kinds(kinds),
            ..Selection::default()
        };
        let summary = summary(report, &of(kinds));
        let sites = summary.entries.iter().map(site).collect();
        let holders = holders(report).into_values().collect();
        let kinds = kinds_of(report);
        Self {
            summary,
            rows: [sites, holders, processes(look), kinds],
        }
    }

    /// The functions.
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The function of this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        let mut entries = self.summary.entries.iter();
        entries.find(|entry| site_key(entry) == key)
    }

    /// The lines of one table.
    pub fn rows(&self, tab: TopTab) -> &[TopRow] {
        &self.rows[tab.index()]
    }

    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = (TopTab, &mut Vec<TopRow>)> {
        TopTab::ALL.into_iter().zip(&mut self.rows)
    }

    /// Sorts all tables.
    pub fn sort(&mut self, sort: TopSort) {
        for rows in &mut self.rows {
            match sort {
                TopSort::Bytes => rows.sort_by_cached_key(|it| (Reverse(it.bytes), it.key.clone())),
                TopSort::Growth => rows.sort_by_cached_key(|it| {
                    let growth = (it.bytes_per_second, it.change_bytes, it.bytes);
                    (Reverse(growth), it.key.clone())
                }),
                TopSort::Name => rows.sort_by_cached_key(|it| (it.name.clone(), it.key.clone())),
            }
        }
    }
}

fn site_key(entry: &Entry) -> String {
    let module = entry.module.as_deref().unwrap_or_default();
    format!("{} {module}", entry.owner)
}

fn site(entry: &Entry) -> TopRow {
    TopRow {
        key: site_key(entry),
        name: entry.owner.clone(),
        module: entry.module.clone(),
        bytes: entry.bytes,
        kinds: entry.kinds.clone(),
        trend: entry.growth.map(|it| it.verdict),
        holder: entry.held_by.first().map(|it| it.holder.clone()),
        ..TopRow::default()
    }
}

/// Those who have pages of the report, whatever kind these are.
fn holders(report: &Report) -> BTreeMap<&str, TopRow> {
    let mut rows = BTreeMap::<_, TopRow>::new();
    for held in report.sites.iter().flat_map(|it| &it.held_by) {
        let row = rows.entry(holder_key(held)).or_insert_with(|| TopRow {
            key: holder_key(held).to_owned(),
            name: held.holder.clone(),
            ..TopRow::default()
        });
        let bytes = held.pages.saturating_mul(report.host.page_size);
        row.bytes = row.bytes.saturating_add(bytes);
    }
    rows
}

/// What tells a holder from others; reports of before have only its name.
pub(super) fn holder_key(held: &HeldPages) -> &str {
    if held.key.is_empty() {
        &held.holder
    } else {
        &held.key
    }
}

fn processes(look: &Look) -> Vec<TopRow> {
    let held = held_by_process(&look.report);
    let known = look.processes.as_deref().unwrap_or_default();
    let rows = known.iter().map(|it| process(it, held.get(&it.pid)));
    let is_known = |pid: &u32| known.iter().any(|it| it.pid == *pid);
    let others = held.iter().filter(|(pid, _)| !is_known(pid));
    let others = others.map(|(pid, bytes)| TopRow {
        key: pid.to_string(),
        name: format!("pid {pid}"),
        bytes: *bytes,
        held_bytes: Some(*bytes),
        ..TopRow::default()
    });
    rows.chain(others).collect()
}

fn process(process: &Process, held: Option<&u64>) -> TopRow {
    let (pid, start) = process.identity();
    let held = held.copied().unwrap_or(0);
    TopRow {
        key: format!("{pid} {start}"),
        name: format!("{} (pid {pid})", process.name),
        bytes: process.kept_bytes().unwrap_or(0).saturating_add(held),
        held_bytes: Some(held),
        ..TopRow::default()
    }
}

/// Bytes that are held by each process; what several share counts for the first.
fn held_by_process(report: &Report) -> BTreeMap<u32, u64> {
    let mut bytes = BTreeMap::<_, u64>::new();
    for held in report.sites.iter().flat_map(|it| &it.held_by) {
        if let Some(pid) = held.pids().next() {
            let sum = bytes.entry(pid).or_default();
            *sum = sum.saturating_add(held.pages.saturating_mul(report.host.page_size));
        }
    }
    bytes
}

/// The pages of every kind, whatever kinds functions are ranked by.
fn kinds_of(report: &Report) -> Vec<TopRow> {
    let mut pages = BTreeMap::<Kind, u64>::new();
    for unfreed in report.sites.iter().flat_map(|it| &it.unfreed) {
        let sum = pages.entry(unfreed.kind).or_default();
        *sum = sum.saturating_add(unfreed.pages());
    }
    let rows = pages.into_iter().map(|(kind, pages)| TopRow {
        key: kind.name().to_owned(),
        name: kind.name().to_owned(),
        bytes: pages.saturating_mul(report.host.page_size),
        kinds: [(kind, pages)].into(),
        holder: Some(kind.help().to_owned()),
        ..TopRow::default()
    });
    rows.collect()
}
