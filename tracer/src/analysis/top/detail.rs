//! What one line consists of.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{Tables, tables::holder_key};
use crate::{
    analysis::entries::function,
    model::{Choice as _, HeldPages, Look, Report, Site, TopDetail, TopRow, TopTab},
};

/// What this line of a table consists of.
pub fn detail<'a>(
    look: &'a Look,
    tables: &'a Tables,
    tab: TopTab,
    row: &'a TopRow,
) -> Option<TopDetail<'a>> {
    let report = &look.report;
    let parts = match tab {
        TopTab::Sites => return tables.entry(&row.key).map(TopDetail::Site),
        TopTab::Holders => taken(report, |site| {
            held(site, |held| holder_key(held) == row.key)
        }),
        TopTab::Processes => held_by(report, &row.key),
        TopTab::Kinds => taken(report, |site| {
            let unfreed = site.unfreed.iter().filter(|it| it.kind.name() == row.key);
            unfreed.map(|it| it.pages()).sum()
        }),
    };
    Some(TopDetail::Parts { row, parts })
}

/// The functions that took pages, so many of each site.
fn taken(report: &Report, pages: impl Fn(&Site) -> u64) -> Vec<(u64, String)> {
    let sites = report.sites.iter().map(|site| {
        let (name, module) = function(report, site);
        let module = module.map(|it| format!(" [{it}]")).unwrap_or_default();
        (format!("{name}{module}"), pages(site))
    });
    largest_first(report, sites)
}

/// What the process holds, by the name of each holder.
fn held_by(report: &Report, key: &str) -> Vec<(u64, String)> {
    let pid = key.split(' ').next().and_then(|it| it.parse().ok());
    let held = report.sites.iter().flat_map(|it| &it.held_by);
    let held = held.filter(|it| it.pids().next() == pid && pid.is_some());
    largest_first(report, held.map(|it| (it.holder.clone(), it.pages)))
}

fn held(site: &Site, is_meant: impl Fn(&HeldPages) -> bool) -> u64 {
    let held = site.held_by.iter().filter(|it| is_meant(it));
    held.map(|it| it.pages).fold(0, u64::saturating_add)
}

fn largest_first(
    report: &Report,
    parts: impl Iterator<Item = (String, u64)>,
) -> Vec<(u64, String)> {
    let mut sums = BTreeMap::<String, u64>::new();
    for (name, pages) in parts.filter(|(_, pages)| *pages > 0) {
        let sum = sums.entry(name).or_default();
        *sum = sum.saturating_add(pages);
    }
    let parts = sums.into_iter();
    let parts = parts.map(|(name, pages)| (pages.saturating_mul(report.host.page_size), name));
    let mut parts: Vec<_> = parts.collect();
    parts.sort_by_key(|(bytes, _)| Reverse(*bytes));
    parts
}
