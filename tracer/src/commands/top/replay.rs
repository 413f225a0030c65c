//! Looks that were recorded.

use std::{ops::Range, sync::Arc};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::{super::take, look};
use crate::{
    analysis::{
        self,
        top::{History, Point, Tables},
    },
    cli::Input,
    model::{
        Case, KindChoice, Look, LookSchema, LookSource, Report, Saved as _, Threshold, TopPosition,
    },
};

/// A recording, and a place in it.
pub(super) struct Replay {
    bytes: Vec<u8>,
    /// Where each look is.
    lines: Vec<Range<usize>>,
    points: Vec<Arc<Point>>,
    place: usize,
}

impl Replay {
    /// Reads all of it once, and gives the first look.
    pub(super) fn open(input: &Input, kinds: &[KindChoice]) -> Result<(Self, Look)> {
        let (name, bytes) = take::bytes(input);
        let context = || format!("cannot read {}", name.display());
        let bytes = bytes.and_then(take::decompressed_up_to_its_end);
        Self::of(bytes.with_context(context)?, kinds).with_context(context)
    }

    fn of(bytes: Vec<u8>, kinds: &[KindChoice]) -> Result<(Self, Look)> {
        let lines = lines(&bytes);
        let mut points = Vec::new();
        let mut first = None;
        for (number, line) in (1..).zip(&lines) {
            let look = look_in(&bytes[line.clone()]);
            let look = match lines.len() {
                1 => look?,
                _ => look.with_context(|| format!("line {number}"))?,
            };
            points.push(Arc::new(Point::of(&look, &Tables::of(&look, kinds))));
            first.get_or_insert(look);
        }
        let replay = Self {
            bytes,
            lines,
            points,
            place: 0,
        };
        Ok((replay, first.context("it is empty")?))
    }

    /// The look before, unless this is the first.
    pub(super) fn back(&mut self) -> Option<Look> {
        self.go_to(self.place.checked_sub(1)?)
    }

    /// The next look, unless this is the last.
    pub(super) fn forward(&mut self) -> Option<Look> {
        self.go_to(self.place + 1)
    }

    fn go_to(&mut self, place: usize) -> Option<Look> {
        let line = self.lines.get(place)?;
        let look = look_in(self.bytes.get(line.clone())?).ok()?;
        self.place = place;
        Some(look)
    }

    /// What was before the look that is shown, and it.
    pub(super) fn history(&self) -> History {
        History::until(&self.points, self.place)
    }

    /// Where in the recording that is.
    pub(super) fn position(&self) -> TopPosition {
        TopPosition {
            number: self.place + 1,
            of: self.lines.len(),
        }
    }
}

/// Where documents are: all of it, if it is one, else each line. A last line without an end was not
/// written whole.
fn lines(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    if Case::is_meant(bytes) || Report::is_meant(bytes) || Look::is_meant(bytes) {
        lines.push(0..bytes.len());
        return lines;
    }
    let mut start = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let end = start + line.len();
        let is_whole = line.ends_with(b"\n") || lines.is_empty();
        if is_whole && !line.trim_ascii().is_empty() {
            lines.push(start..end);
        }
        start = end;
    }
    lines
}

/// The look, or what can be told of one by a report or a case.
fn look_in(json: &[u8]) -> Result<Look> {
    if Case::is_meant(json) {
        return of_case(Case::from_json(json)?);
    }
    if Report::is_meant(json) {
        return Ok(of_report(Report::from_json(json)?));
    }
    Look::from_json(json)
}

fn of_report(report: Report) -> Look {
    let window = &report.window;
    let end = window.started.checked_add(window.length());
    Look {
        schema: LookSchema::V1,
        taken_at: end.unwrap_or(Timestamp::MAX),
        source: LookSource::Saved,
        report,
        balance: None,
        processes: None,
    }
}

fn of_case(case: Case) -> Result<Look> {
    let after = case.evidence.after;
    let trace = case.evidence.trace;
    let report = trace.context("the case was made without a trace")?;
    let processes = after.processes.map(|it| look::kept(it.processes, &report));
    Ok(Look {
        taken_at: after.taken_at,
        balance: analysis::balance(&after.memory, Threshold::Usual).ok(),
        processes,
        ..of_report(report)
    })
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
