//! Documents read back. Whatever the bytes are, the result is a document that adds up or one sentence.

use anyhow::{Context as _, Error, Result, anyhow, ensure};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Case, HoldersReport, Look, PagesReport, Report, Site, Snapshot, SocketsReport, Tool};

/// A document that is saved as JSON with its schema in it.
pub trait Saved: DeserializeOwned {
    /// What people call it.
    const NOUN: &'static str;
    /// Name and version of its form, as the document says it.
    const SCHEMA: &'static str;

    /// Fails if its parts do not fit together.
    fn check(&self) -> Result<()>;

    /// Whether this JSON says that it is such a document, of whichever version.
    fn is_meant(json: &[u8]) -> bool {
        let head = serde_json::from_slice::<Head>(json);
        head.is_ok_and(|head| family(&head.schema) == family(Self::SCHEMA))
    }

    /// The document that was written as this JSON.
    fn from_json(json: &[u8]) -> Result<Self> {
        let read: Self =
            serde_json::from_slice(json).map_err(|error| explain::<Self>(json, error))?;
        let damaged = || format!("it is a damaged {}", Self::NOUN);
        read.check().with_context(damaged)?;
        Ok(read)
    }
}

impl Saved for Report {
    const NOUN: &'static str = "report";
    const SCHEMA: &'static str = "pagetrace.report/2";

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
}

impl Saved for Snapshot {
    const NOUN: &'static str = "snapshot";
    const SCHEMA: &'static str = "pagetrace.snapshot/1";

    fn check(&self) -> Result<()> {
        ensure!(self.memory.page_size > 0, "its pages have no size");
        // No architecture has more than a few sizes.
        ensure!(
            self.memory.huge_pages.len() <= 16,
            "it has too many sizes of huge pages"
        );
        Ok(())
    }
}

impl Saved for HoldersReport {
    const NOUN: &'static str = "list of holders";
    const SCHEMA: &'static str = "pagetrace.holders/1";

    fn check(&self) -> Result<()> {
        ensure!(self.host.page_size > 0, "its pages have no size");
        Ok(())
    }
}

impl Saved for SocketsReport {
    const NOUN: &'static str = "list of sockets";
    const SCHEMA: &'static str = "pagetrace.sockets/1";

    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Saved for PagesReport {
    const NOUN: &'static str = "list of page frames";
    const SCHEMA: &'static str = "pagetrace.pages/1";

    fn check(&self) -> Result<()> {
        ensure!(self.host.page_size > 0, "its pages have no size");
        Ok(())
    }
}

impl Saved for Case {
    const NOUN: &'static str = "case";
    const SCHEMA: &'static str = "pagetrace.case/1";

    fn check(&self) -> Result<()> {
        self.evidence.before.check()?;
        self.evidence.after.check()?;
        self.evidence.trace.as_ref().map_or(Ok(()), Report::check)
    }
}

impl Saved for Look {
    const NOUN: &'static str = "look";
    const SCHEMA: &'static str = "pagetrace.look/1";

    fn check(&self) -> Result<()> {
        self.report.check()
    }
}

/// The form of reports before this one.
const FIRST_REPORT: &str = "pagetrace.report/1";

/// What tells documents from each other, and their forms.
#[derive(Deserialize)]
struct Head {
    schema: String,
    tool: Option<Tool>,
}

impl Report {
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

/// Why these bytes are no such document that can be read.
fn explain<T: Saved>(json: &[u8], error: serde_json::Error) -> Error {
    if json.trim_ascii().is_empty() {
        return anyhow!("it is empty");
    }
    match serde_json::from_slice::<Head>(json) {
        Ok(head) => explain_head::<T>(&head, error),
        Err(other) if is_cut_off(json, &error) || is_cut_off(json, &other) => {
            anyhow!("it ends in the middle: it was not written to its end")
        }
        Err(other) => anyhow!("it is no {} of pagetrace ({other})", T::NOUN),
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

fn explain_head<T: Saved>(head: &Head, error: serde_json::Error) -> Error {
    let (noun, schema) = (T::NOUN, &head.schema);
    if schema == T::SCHEMA {
        return damaged::<T>(head.tool.as_ref(), error);
    }
    if schema == FIRST_REPORT {
        return anyhow!(
            "it is a report of schema {schema}, written by pagetrace 0.1.0-dev, an earlier \
             version: trace again, or use that version"
        );
    }
    match &head.tool {
        Some(Tool { name, version }) if family(schema) == family(T::SCHEMA) => anyhow!(
            "it is a {noun} of schema {schema}, written by {name} {version}: use that version"
        ),
        Some(Tool { name, .. }) => anyhow!("it is no {noun}, but {name} wrote it as {schema}"),
        None => anyhow!("it is no {noun} of pagetrace, its schema is {schema}"),
    }
}

/// The name of a form without its version.
fn family(schema: &str) -> &str {
    schema.split('/').next().unwrap_or_default()
}

/// A later version of the same schema may have kinds and causes that this one does not know.
fn damaged<T: Saved>(tool: Option<&Tool>, error: serde_json::Error) -> Error {
    const OWN: &str = env!("CARGO_PKG_VERSION");
    match tool.filter(|tool| tool.version != OWN) {
        Some(Tool { name, version }) => anyhow!(
            "it was written by {name} {version}, and this is {OWN}: use that version ({error})"
        ),
        None => Error::new(error).context(format!("it is a damaged {}", T::NOUN)),
    }
}
