//! Reports read back. Whatever the bytes are, the result is a report that adds up or one sentence.

use anyhow::{Context as _, Error, Result, anyhow, ensure};
use serde::{
    Deserialize,
    de::{IntoDeserializer as _, value::StrDeserializer},
};

use super::{Report, Schema, Site, Tool};

/// The form of reports before this one.
const FIRST_SCHEMA: &str = "pagetrace.report/1";

/// What tells reports from other documents, and their forms from each other.
#[derive(Deserialize)]
struct Head {
    schema: String,
    tool: Option<Tool>,
}

impl Report {
    /// The report that was written as this JSON.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let report: Self = serde_json::from_slice(json).map_err(|error| explain(json, error))?;
        report.check().context("it is a damaged report")?;
        Ok(report)
    }

    /// Whether indices lead somewhere, and all numbers can be added up.
    fn check(&self) -> Result<()> {
        ensure!(self.host.page_size > 0, "its pages have no size");
        for site in &self.sites {
            self.check_site(site)?;
        }
        let pages = self.sites.iter().map(Site::unfreed_pages);
        self.check_sum(pages.chain([self.taken_pages]))?;
        self.check_sum(self.sites.iter().map(|site| site.allocated_pages))
    }

    fn check_site(&self, site: &Site) -> Result<()> {
        let frames = site
            .stack
            .iter()
            .chain(&site.interrupted)
            .chain(&site.owner_frame);
        let mut frames = frames.map(|&index| index as usize);
        ensure!(
            frames.all(|index| index < self.frames.len()),
            "a call site refers to a frame that is missing"
        );
        ensure!(
            site.owner_frame
                .is_none_or(|owner| site.stack.contains(&owner)),
            "the owner of a call site is not on its stack"
        );
        ensure!(
            site.stack.is_empty() == site.no_stack.is_some(),
            "a call site has neither a stack nor a reason why, or both"
        );
        Ok(())
    }

    /// Whether so many pages can be counted in bytes.
    fn check_sum(&self, mut pages: impl Iterator<Item = u64>) -> Result<()> {
        let sum = pages.try_fold(0_u64, |sum, pages| sum.checked_add(pages));
        let bytes = sum.and_then(|pages| pages.checked_mul(self.host.page_size));
        ensure!(bytes.is_some(), "it counts more pages than there can be");
        Ok(())
    }
}

/// Why these bytes are no report that can be read.
fn explain(json: &[u8], error: serde_json::Error) -> Error {
    if json.trim_ascii().is_empty() {
        return anyhow!("it is empty");
    }
    match serde_json::from_slice::<Head>(json) {
        Ok(head) => explain_head(&head, error),
        Err(other) if is_cut_off(json, &error) || is_cut_off(json, &other) => {
            anyhow!("it ends in the middle: it was not written to its end")
        }
        Err(other) => anyhow!("it is no report of pagetrace ({other})"),
    }
}

/// Whether all is well up to the end. A number that ends with its point is no number.
fn is_cut_off(json: &[u8], error: &serde_json::Error) -> bool {
    let mut lines = json.split(|&byte| byte == b'\n');
    let columns = lines
        .nth(error.line().saturating_sub(1))
        .map_or(0, <[u8]>::len);
    let is_at_end = lines.next().is_none() && error.column() >= columns;
    error.is_eof() || error.is_syntax() && is_at_end
}

fn explain_head(head: &Head, error: serde_json::Error) -> Error {
    let schema = &head.schema;
    if is_current(schema) {
        return damaged(head.tool.as_ref(), error);
    }
    if schema == FIRST_SCHEMA {
        return anyhow!(
            "it is a report of schema {schema}, written by pagetrace 0.1.0-dev, an earlier \
             version: trace again, or use that version"
        );
    }
    match &head.tool {
        Some(Tool { name, version }) => anyhow!(
            "it is a report of schema {schema}, written by {name} {version}: use that version"
        ),
        None => anyhow!("it is no report of pagetrace, its schema is {schema}"),
    }
}

/// A later version of the same schema may have kinds and causes that this one does not know.
fn damaged(tool: Option<&Tool>, error: serde_json::Error) -> Error {
    const OWN: &str = env!("CARGO_PKG_VERSION");
    match tool.filter(|tool| tool.version != OWN) {
        Some(Tool { name, version }) => anyhow!(
            "it was written by {name} {version}, and this is {OWN}: use that version ({error})"
        ),
        None => Error::new(error).context("it is a damaged report"),
    }
}

fn is_current(schema: &str) -> bool {
    let schema: StrDeserializer<'_, serde::de::value::Error> = schema.into_deserializer();
    Schema::deserialize(schema).is_ok()
}
