//! The stacks of a report, and of two, as trees.

use std::collections::BTreeSet;

use super::tree::{Name, Tree};
use crate::{
    model::{Choice as _, Frame, Report, StackSample, TraceDiff},
    render::escape::harmless,
};

/// What was kept, with a column for each kind of pages.
pub(in crate::render) fn kept(report: &Report, samples: &[StackSample]) -> Tree {
    let kinds: BTreeSet<_> = samples.iter().map(|it| it.kind).collect();
    let columns = kinds.iter().map(|it| it.name().to_owned()).collect();
    let kinds: Vec<_> = kinds.into_iter().collect();
    let mut tree = Tree::new("all", columns);
    let names: Vec<_> = report.frames.iter().map(|it| tree.name(name(it))).collect();
    for sample in samples {
        let Some(site) = report.sites.get(sample.site) else {
            continue;
        };
        let column = kinds.iter().position(|&it| it == sample.kind).unwrap_or(0);
        let bytes = sample.pages.saturating_mul(report.host.page_size);
        match site.no_stack {
            Some(reason) => {
                let note = tree.name(Name::note(reason.name()));
                tree.add([note].into_iter(), column, bytes);
            }
            None => {
                let path = site.stack.iter().rev();
                let path = path.filter_map(|&frame| names.get(frame as usize).copied());
                tree.add(path, column, bytes);
            }
        }
    }
    tree
}

/// What two traces kept, the second in the first column: boxes are as wide as that.
pub(in crate::render) fn changed(diff: &TraceDiff) -> Tree {
    let columns = ["after", "before"].map(str::to_owned).to_vec();
    let mut tree = Tree::new("all", columns);
    for stack in &diff.stacks {
        let path = stack.functions.iter();
        let path: Vec<_> = path.map(|it| tree.name(function(it))).collect();
        tree.add(path.iter().copied(), 0, stack.after_bytes);
        tree.add(path.iter().copied(), 1, stack.before_bytes);
    }
    tree
}

/// Names only: with offsets, one function would be many boxes.
fn name(frame: &Frame) -> Name {
    let text = match &frame.symbol {
        Some(symbol) => harmless(symbol).into_owned(),
        None => format!("{:#x}", frame.address),
    };
    let module = frame.module.as_deref().map(|it| harmless(it).into_owned());
    Name {
        text,
        module,
        is_note: false,
    }
}

/// A function as a comparison has it: `rx_fill [virtio_net]`, or `[stack lost]`.
fn function(text: &str) -> Name {
    let parts = text.strip_suffix(']').and_then(|it| it.split_once(" ["));
    match parts {
        Some((symbol, module)) if !symbol.starts_with('[') => Name {
            text: harmless(symbol).into_owned(),
            module: Some(harmless(module).into_owned()),
            is_note: false,
        },
        _ => Name {
            text: harmless(text).into_owned(),
            module: None,
            is_note: text.starts_with('['),
        },
    }
}
