//! What lines had at earlier looks.

use std::{cmp::Reverse, collections::VecDeque, sync::Arc, time::Duration};

use jiff::Timestamp;
use rustc_hash::FxHashMap;

use super::Tables;
use crate::{
    analysis::balance::signed,
    model::{Look, TopRow, TopTab},
};

/// How many looks are remembered beside the first.
const KEPT: usize = 32;

/// How many lines of a table are remembered of each look: the largest.
const LINES: usize = 2000;

/// Growth is that over the last looks, at least so long and so many.
const RATE_TIME: Duration = Duration::from_secs(10);
const RATE_LOOKS: usize = 3;

/// The bytes of lines at one look.
#[derive(Clone, Debug)]
pub struct Point {
    taken_at: Timestamp,
    unaccounted_bytes: Option<i64>,
    tables: [Table; TopTab::ALL.len()],
}

#[derive(Clone, Debug)]
struct Table {
    bytes: FxHashMap<String, u64>,
    /// Whether lines that are missing had nothing.
    is_whole: bool,
}

/// The first look and the last ones.
#[derive(Clone, Debug, Default)]
pub struct History {
    first: Option<Arc<Point>>,
    last: VecDeque<Arc<Point>>,
}

impl Point {
    /// What is remembered of a look.
    pub fn of(look: &Look, tables: &Tables) -> Self {
        let table = |tab| {
            let mut rows: Vec<_> = tables.rows(tab).iter().collect();
            // Only the largest processes are looked at.
            let is_whole = rows.len() <= LINES && tab != TopTab::Processes;
            if rows.len() > LINES {
                rows.select_nth_unstable_by_key(LINES, |it| Reverse(it.bytes));
                rows.truncate(LINES);
            }
            let bytes = rows.into_iter().map(|it| (it.key.clone(), it.bytes));
            Table {
                bytes: bytes.collect(),
                is_whole,
            }
        };
        Self {
            taken_at: look.taken_at,
            unaccounted_bytes: look.balance.as_ref().map(|it| it.unaccounted_bytes),
            tables: TopTab::ALL.map(table),
        }
    }

    fn bytes(&self, tab: TopTab, key: &str) -> Option<u64> {
        let table = &self.tables[tab.index()];
        let missing = table.is_whole.then_some(0);
        table.bytes.get(key).copied().or(missing)
    }
}

impl History {
    /// The history up to the look at `place`.
    pub fn until(points: &[Arc<Point>], place: usize) -> Self {
        let points = points.get(..=place).unwrap_or(points);
        let last = points.get(points.len().saturating_sub(KEPT)..);
        Self {
            first: points.first().cloned(),
            last: last.unwrap_or_default().iter().cloned().collect(),
        }
    }

    /// Adds the latest look.
    pub fn push(&mut self, point: Point) {
        let point = Arc::new(point);
        if self.first.is_none() {
            self.first = Some(Arc::clone(&point));
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(point);
    }

    /// Adds to each line of the latest look what it had before.
    pub fn describe(&self, tables: &mut Tables) {
        for (tab, rows) in tables.rows_mut() {
            for row in rows {
                self.describe_row(tab, row);
            }
        }
    }

    fn describe_row(&self, tab: TopTab, row: &mut TopRow) {
        let first = self.first.as_ref();
        let first = first.and_then(|it| it.bytes(tab, &row.key));
        row.change_bytes = first.map(|first| difference(first, row.bytes));
        let bytes = self.last.iter().map(|it| it.bytes(tab, &row.key));
        row.history = bytes.collect();
        row.bytes_per_second = self.rate(&row.history);
    }

    /// How much what no counter accounts for has changed.
    pub fn unaccounted_change_bytes(&self) -> Option<i64> {
        let [first, last] = [self.first.as_ref(), self.last.back()];
        let last = last?.unaccounted_bytes?;
        Some(last.saturating_sub(first?.unaccounted_bytes?))
    }

    fn rate(&self, history: &[Option<u64>]) -> Option<i64> {
        let last = self.last.back()?.taken_at;
        let ages = self.last.iter().map(|it| last.duration_since(it.taken_at));
        let ages = ages.map(|it| Duration::try_from(it).unwrap_or_default());
        let known = ages.zip(history);
        let known = known.filter_map(|(age, bytes)| Some((age, (*bytes)?)));
        let known: Vec<_> = known.collect();
        let (_, now) = *known.last()?;
        let mut before = known.iter().rev().enumerate().skip(1);
        let enough = before.find(|(looks, (age, _))| *looks >= RATE_LOOKS && *age >= RATE_TIME);
        let (age, then) = enough.map_or(*known.first()?, |(_, it)| *it);
        let rate = difference(then, now) as f64 / age.as_secs_f64();
        // Two looks at once have no rate.
        rate.is_finite().then_some(rate.round() as i64)
    }
}

fn difference(before: u64, after: u64) -> i64 {
    signed(after).saturating_sub(signed(before))
}
