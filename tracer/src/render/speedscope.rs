//! speedscope's form of a profile: one JSON document, <https://www.speedscope.app/file-format-schema.json>.

use std::io::{self, Write};

use serde::Serialize;

use super::{escape::harmless, json::document, text};
use crate::model::{NoStack, Report, StackSample};

#[derive(Serialize)]
struct File {
    #[serde(rename = "$schema")]
    schema: &'static str,
    exporter: String,
    name: String,
    shared: Shared,
    profiles: [Profile; 1],
}

#[derive(Serialize)]
struct Shared {
    frames: Vec<Frame>,
}

#[derive(Serialize)]
struct Frame {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    r#type: &'static str,
    name: String,
    unit: &'static str,
    start_value: u64,
    end_value: u64,
    samples: Vec<Vec<usize>>,
    weights: Vec<u64>,
}

/// Why pages have no stack, in the order of the frames that stand for it.
const STACKLESS: [NoStack; 3] = [
    NoStack::SiteTableFull,
    NoStack::Lost,
    NoStack::RecordMismatch,
];

/// Writes the pages that are ranked, as bytes by stack; they add up to the ranked total.
pub fn speedscope(report: &Report, samples: &[StackSample], out: &mut dyn Write) -> io::Result<()> {
    let (mut stacks, mut weights) = (Vec::new(), Vec::new());
    for sample in samples {
        if let Some(site) = report.sites.get(sample.site) {
            stacks.push(match site.no_stack {
                Some(reason) => vec![place(reason)],
                None => {
                    let frames = site.stack.iter().rev();
                    frames.map(|it| *it as usize + STACKLESS.len()).collect()
                }
            });
            weights.push(sample.pages.saturating_mul(report.host.page_size));
        }
    }
    let sum = weights
        .iter()
        .fold(0, |sum: u64, it| sum.saturating_add(*it));
    let name = format!("{} of pages taken and kept", text::bytes(sum));
    let file = File {
        schema: "https://www.speedscope.app/file-format-schema.json",
        exporter: format!(
            "{} {}",
            harmless(&report.tool.name),
            harmless(&report.tool.version)
        ),
        name: name.clone(),
        shared: Shared {
            frames: frames(report),
        },
        profiles: [Profile {
            r#type: "sampled",
            name,
            unit: "bytes",
            start_value: 0,
            end_value: sum,
            samples: stacks,
            weights,
        }],
    };
    document(&file, out)
}

fn place(reason: NoStack) -> usize {
    STACKLESS.iter().position(|it| *it == reason).unwrap_or(0)
}

/// Those that stand for no stack, and then those of the report.
fn frames(report: &Report) -> Vec<Frame> {
    let stackless = STACKLESS.iter().map(|it| Frame {
        name: it.name().to_owned(),
        file: None,
        line: None,
    });
    let known = report.frames.iter().map(|it| Frame {
        name: text::with_module(&text::function(it), it.module.as_deref()),
        file: it.file.as_deref().map(|it| harmless(it).into_owned()),
        line: it.line,
    });
    stackless.chain(known).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        analysis::{samples, summary},
        render::sample::{report, selection},
    };

    #[test]
    fn weights_add_up_and_every_frame_is_there() {
        let (report, mut bytes) = (report(), Vec::new());
        let samples = samples(&report, &selection());
        speedscope(&report, &samples, &mut bytes).expect("memory takes everything");
        let file: Value = serde_json::from_slice(&bytes).expect("JSON");
        let list = |value: &Value| value.as_array().cloned().expect("a list");
        let profile = &file["profiles"][0];
        let weights: u64 = list(&profile["weights"])
            .iter()
            .filter_map(Value::as_u64)
            .sum();
        assert_eq!(weights, summary(&report, &selection()).totals.ranked_bytes);
        assert_eq!(profile["endValue"], weights);
        let stacks = list(&profile["samples"]);
        assert_eq!(stacks.len(), list(&profile["weights"]).len());
        let frames = list(&file["shared"]["frames"]);
        let name =
            |frame: &Value| frames[frame.as_u64().expect("an index") as usize]["name"].clone();
        let largest: Vec<_> = list(&stacks[0]).iter().map(name).collect();
        assert_eq!(largest[0], "do_syscall_64");
        assert_eq!(largest[2], "anon_pipe_write");
        let last = list(stacks.last().expect("some"));
        assert_eq!(
            last.iter().map(name).collect::<Vec<_>>(),
            ["[site table full]"]
        );
    }
}
