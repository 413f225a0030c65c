//! A tree as a picture, with what a script needs to zoom, search and filter in it.

use maud::{Markup, PreEscaped, html};

use super::{
    colour,
    tree::{Name, Placed, Tree},
};
use crate::render::text;

/// The width of the root. As in the script.
const WIDTH: f64 = 1200.0;

/// The height of a box, and where its text stands.
const ROW: usize = 17;
const BASELINE: usize = 12;

/// The width of a character. As in the script.
const CHARACTER: f64 = 7.25;

/// What stands above and below the boxes.
const HEAD: usize = 48;
const FOOT: usize = 26;

/// A picture of a tree.
pub(in crate::render) struct Picture<'a> {
    /// What is drawn.
    pub(in crate::render) tree: &'a Tree,
    /// What its columns are.
    pub(in crate::render) shown: Shown,
    /// Its title.
    pub(in crate::render) title: String,
    /// What stands below the title.
    pub(in crate::render) remark: String,
}

/// What the columns of a tree are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) enum Shown {
    /// Kinds of pages, all of which make the width.
    Kept,
    /// After and before; the first makes the width.
    Changed,
}

/// A box in its place.
struct Rectangle<'a> {
    node: &'a Placed<'a>,
    x: f64,
    width: f64,
    y: usize,
}

impl Picture<'_> {
    /// The picture, followed by `behind`; one of its own has buttons.
    pub(in crate::render) fn svg(&self, is_alone: bool, behind: PreEscaped<String>) -> Markup {
        let nodes = self.tree.placed();
        let depth = nodes.iter().map(|it| it.depth).max().unwrap_or(0);
        let head = if is_alone { HEAD } else { 4 };
        let height = head + (depth + 1) * ROW + FOOT;
        let boxes = self.rectangles(&nodes, head + depth * ROW);
        let most = self.largest_change(&nodes);
        html! {
            svg xmlns="http://www.w3.org/2000/svg" class="flame" width=(WIDTH) height=(height)
                viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(self.title)
                data-shown=(self.shown.name()) data-columns=(self.tree.columns.join(",")) {
                @if is_alone {
                    text class="head" x="600" y="18" text-anchor="middle" { (self.title) }
                    text class="say" x="600" y="37" text-anchor="middle" { (self.remark) }
                    text class="button" data-do="reset" x="6" y="18" { "reset zoom" }
                    text class="button" data-do="search" x="1194" y="18" text-anchor="end" {
                        "search"
                    }
                }
                @for rectangle in &boxes {
                    (self.drawn(rectangle, most))
                }
                text class="say details" x="6" y=(height - 8) { (self.left_out()) }
                (behind)
            }
        }
    }

    /// What was too small, in a sentence; empty if nothing was.
    pub(in crate::render) fn left_out(&self) -> String {
        let left_out = self.tree.left_out;
        match (left_out.boxes, self.shown) {
            (0, _) => String::new(),
            (boxes, Shown::Kept) => format!(
                "{}, {} in all, are drawn as \u{201c}smaller\u{201d} beside their neighbours",
                text::plural(boxes as u64, "small box", "small boxes"),
                text::bytes(left_out.value)
            ),
            (boxes, Shown::Changed) => format!(
                "{} are drawn as \u{201c}smaller\u{201d} beside their neighbours",
                text::plural(boxes as u64, "small box", "small boxes"),
            ),
        }
    }

    fn rectangles<'a>(&self, nodes: &'a [Placed<'a>], bottom: usize) -> Vec<Rectangle<'a>> {
        let all = nodes
            .first()
            .map_or(0, |root| self.shown.width(root.values));
        let mut next = vec![0.0; nodes.len()];
        let mut rectangles = Vec::with_capacity(nodes.len());
        for (place, node) in nodes.iter().enumerate() {
            let width = WIDTH * self.shown.width(node.values) as f64 / (all.max(1)) as f64;
            let x = next[node.parent];
            next[node.parent] += width;
            next[place] = x;
            let y = bottom.saturating_sub(node.depth * ROW);
            rectangles.push(Rectangle { node, x, width, y });
        }
        rectangles
    }

    fn drawn(&self, it: &Rectangle<'_>, most: u64) -> Markup {
        let (node, name) = (it.node, labelled(it.node.name));
        let values: Vec<_> = node.values.iter().map(u64::to_string).collect();
        let fill = match (self.shown, node.values) {
            (Shown::Changed, &[after, before]) => colour::of_change([after, before], most),
            _ => colour::of_name(node.name),
        };
        html! {
            g class="f" data-n=(name) data-p=(node.parent) data-v=(values.join(","))
                data-m=[node.name.module.as_deref()] {
                title { (self.account(node)) }
                rect x=(rounded(it.x)) y=(it.y) width=(rounded(it.width)) height=(ROW - 1)
                    fill=(fill) {}
                text x=(rounded(it.x + 3.0)) y=(it.y + BASELINE) { (fitted(&name, it.width)) }
            }
        }
    }

    /// A box in numbers: `rx_fill [virtio_net]: 3.00 MiB; 2.00 MiB raw, 1.00 MiB slab`.
    fn account(&self, node: &Placed<'_>) -> String {
        let (name, bytes) = (labelled(node.name), self.shown.width(node.values));
        let parts = self.tree.columns.iter().zip(node.values);
        let parts = parts.filter(|(_, value)| **value > 0);
        let parts = parts.map(|(column, value)| format!("{} {column}", text::bytes(*value)));
        let parts: Vec<_> = parts.collect();
        format!("{name}: {}; {}", text::bytes(bytes), parts.join(", "))
    }

    fn largest_change(&self, nodes: &[Placed<'_>]) -> u64 {
        let changes = nodes.iter().skip(1).map(|it| match it.values {
            &[after, before] => after.abs_diff(before),
            _ => 0,
        });
        changes.max().unwrap_or(0)
    }
}

impl Shown {
    const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Changed => "changed",
        }
    }

    /// What makes the width of a box.
    fn width(self, values: &[u64]) -> u64 {
        match self {
            Self::Kept => values.iter().fold(0, |sum, it| sum.saturating_add(*it)),
            Self::Changed => values.first().copied().unwrap_or(0),
        }
    }
}

/// `rx_fill [virtio_net]`
fn labelled(name: &Name) -> String {
    match &name.module {
        Some(module) => format!("{} [{module}]", name.text),
        None => name.text.clone(),
    }
}

/// As much of a name as a box has room for.
fn fitted(name: &str, width: f64) -> String {
    let room = ((width - 6.0) / CHARACTER).max(0.0) as usize;
    if room < 3 {
        return String::new();
    }
    text::shortened(name, room)
}

/// A hundredth of a unit is enough.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
