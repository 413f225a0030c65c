//! The report for programs: one JSON document, schema `pagetrace.report/1`.

use std::{
    collections::{HashMap, hash_map::Entry},
    io::{self, BufWriter, Write},
    ptr,
    sync::Arc,
};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::model::{Frame, Report, Site};

/// Name and version of the document's form. A field that goes away or changes
/// its meaning makes it `/2`; a new one does not.
const SCHEMA: &str = "pagetrace.report/1";

/// How far a frame is indented: it is in a list, of a site, in a list, of the document.
const INDENT: &str = "\n        ";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    report: &'a Report,
    #[serde(serialize_with = "list")]
    sites: Sites<'a>,
}

/// Sites, and what was written of the frames that they share.
struct Sites<'a> {
    sites: &'a [Site],
    frames: Frames,
}

#[derive(Serialize)]
struct SiteDocument<'a> {
    #[serde(flatten)]
    site: &'a Site,
    frames: Vec<&'a RawValue>,
    interrupted_frames: Vec<&'a RawValue>,
}

/// Each frame as it stands in the document: most of it is the same few again and again.
struct Frames(HashMap<*const Frame, Box<RawValue>>);

/// Writes the whole report.
pub fn json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    // Millions of small pieces are faster without asking what `out` is.
    let mut out = BufWriter::new(out);
    let document = Document {
        schema: SCHEMA,
        report,
        sites: Sites {
            sites: &report.sites,
            frames: Frames::of(&report.sites)?,
        },
    };
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)?;
    out.flush()
}

fn list<S: Serializer>(sites: &Sites, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(sites.sites.iter().map(|site| SiteDocument {
        site,
        frames: sites.frames.written(&site.frames),
        interrupted_frames: sites.frames.written(&site.interrupted_frames),
    }))
}

impl Frames {
    fn of(sites: &[Site]) -> io::Result<Self> {
        let mut written = HashMap::new();
        for frame in sites
            .iter()
            .flat_map(|it| it.frames.iter().chain(&it.interrupted_frames))
        {
            if let Entry::Vacant(entry) = written.entry(Arc::as_ptr(frame)) {
                let text = serde_json::to_string_pretty(frame.as_ref())?.replace('\n', INDENT);
                entry.insert(RawValue::from_string(text)?);
            }
        }
        Ok(Self(written))
    }

    fn written(&self, frames: &[Arc<Frame>]) -> Vec<&RawValue> {
        let written = |frame| self.0.get(&ptr::from_ref(frame)).map(AsRef::as_ref);
        frames
            .iter()
            .filter_map(|frame| written(frame.as_ref()))
            .collect()
    }
}
