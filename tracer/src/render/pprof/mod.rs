//! pprof's form of a profile, for `go tool pprof`, Pyroscope, Parca and others: gzipped
//! `profile.proto`.

mod code;
mod labels;
mod message;
mod strings;

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use prost::Message as _;

use self::{
    code::Code,
    message::{Profile, Sample, ValueType},
    strings::Strings,
};
use super::{context, escape::harmless, loss_accounting};
use crate::model::{Report, StackSample};

/// Writes the pages that are ranked, a sample for each stack and whatever else tells them apart. What
/// was lost stands in the comments.
pub fn pprof(report: &Report, samples: &[StackSample], out: &mut dyn Write) -> io::Result<()> {
    let bytes = profile(report, samples).encode_to_vec();
    let mut gzip = GzBuilder::new().write(out, Compression::default());
    gzip.write_all(&bytes)?;
    gzip.finish()?;
    Ok(())
}

fn profile(report: &Report, samples: &[StackSample]) -> Profile {
    let mut strings = Strings::new();
    let mut code = Code::of(report);
    let sample_type = [("inuse_pages", "count"), ("inuse_space", "bytes")];
    let sample_type = sample_type.map(|(name, unit)| value_type(name, unit, &mut strings));
    let sample = samples
        .iter()
        .filter_map(|it| sample(report, it, &mut code, &mut strings))
        .collect();
    let window = &report.window;
    Profile {
        sample_type: sample_type.to_vec(),
        sample,
        time_nanos: i64::try_from(window.started.as_nanosecond()).unwrap_or(0),
        duration_nanos: i64::try_from(window.length().as_nanos()).unwrap_or(i64::MAX),
        // Every page is counted.
        period_type: Some(value_type("space", "bytes", &mut strings)),
        period: 1,
        comment: comments(report, &mut strings),
        default_sample_type: strings.index("inuse_space"),
        mapping: code.mappings,
        location: code.locations,
        function: code.functions,
        string_table: strings.into_list(),
    }
}

fn value_type(name: &str, unit: &str, strings: &mut Strings) -> ValueType {
    ValueType {
        r#type: strings.index(name),
        unit: strings.index(unit),
    }
}

fn sample<'a>(
    report: &'a Report,
    it: &StackSample,
    code: &mut Code<'a>,
    strings: &mut Strings,
) -> Option<Sample> {
    let site = report.sites.get(it.site)?;
    let bytes = it.pages.saturating_mul(report.host.page_size);
    let value = [it.pages, bytes].map(|it| i64::try_from(it).unwrap_or(i64::MAX));
    Some(Sample {
        location_id: code.stack(site, strings),
        value: value.to_vec(),
        label: labels::labels(report, site, it, strings),
    })
}

/// What must be known of the numbers: the machine, what could not be done, what was lost.
fn comments(report: &Report, strings: &mut Strings) -> Vec<i64> {
    let tool = format!("{} {}", report.tool.name, report.tool.version);
    let lines = [harmless(&tool).into_owned()].into_iter();
    let lines = lines.chain(context::lines(report));
    let lines = lines.chain(loss_accounting::in_words(report));
    lines.map(|line| strings.index(&line)).collect()
}

#[cfg(test)]
mod tests;
