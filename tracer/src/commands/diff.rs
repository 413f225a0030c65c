//! `pagetrace diff`: what differs between two snapshots or two traces.

use std::process::ExitCode;

use anyhow::{Result, bail};

use super::{
    destination::Destination,
    take::{self, Either},
};
use crate::{
    analysis,
    cli::{DiffArgs, Output},
    model::{Report, Snapshot},
    render,
};

/// Reads both and writes what differs as the options say.
pub fn run(args: &DiffArgs) -> Result<ExitCode> {
    let open = |output: &Option<Output>| output.as_ref().map(Destination::open).transpose();
    let outputs = Outputs {
        json: open(&args.json)?,
        folded: open(&args.folded)?,
        svg: open(&args.svg)?,
        table: ![&args.json, &args.folded, &args.svg].contains(&&Some(Output::Stdout)),
        top: args.ranking.top,
    };
    let read = take::either::<Report, Snapshot>;
    match (read(&args.before)?, read(&args.after)?) {
        (Either::First(before), Either::First(after)) => {
            traces(&before, &after, args, &outputs)?;
        }
        (Either::Second(before), Either::Second(after)) => {
            snapshots(&before, &after, &outputs)?;
        }
        _ => bail!("a snapshot and a trace cannot be compared: give two of a kind"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Where it goes.
struct Outputs {
    json: Option<Destination>,
    folded: Option<Destination>,
    svg: Option<Destination>,
    table: bool,
    /// How many lines of each kind the table shows.
    top: usize,
}

fn snapshots(before: &Snapshot, after: &Snapshot, outputs: &Outputs) -> Result<()> {
    if outputs.folded.is_some() {
        bail!("snapshots have no stacks: --folded needs two traces");
    }
    if outputs.svg.is_some() {
        bail!("snapshots have no stacks: --svg needs two traces");
    }
    let diff = analysis::snapshots(before, after)?;
    if let Some(json) = &outputs.json {
        json.write(|out| render::document(&diff, out))?;
    }
    if outputs.table {
        render::print(|out| render::snapshot_diff(&diff, outputs.top, out))?;
    }
    Ok(())
}

fn traces(before: &Report, after: &Report, args: &DiffArgs, outputs: &Outputs) -> Result<()> {
    let selection = args.ranking.selection();
    let [first, second] = [before, after].map(|it| analysis::summary(it, &selection));
    let diff = analysis::traces((before, &first), (after, &second));
    if let Some(json) = &outputs.json {
        json.write(|out| render::document(&diff, out))?;
    }
    if let Some(folded) = &outputs.folded {
        folded.write(|out| render::folded_diff(&diff, out))?;
    }
    if let Some(svg) = &outputs.svg {
        svg.write(|out| render::svg_diff(&diff, out))?;
    }
    if outputs.table {
        render::print(|out| render::trace_diff(&diff, outputs.top, out))?;
    }
    Ok(())
}
