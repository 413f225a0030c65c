//! The flame graph of a page, with controls for what it shows.

use std::collections::BTreeSet;

use maud::{Markup, PreEscaped, html};

use super::Traced;
use crate::{
    model::{Choice as _, Kind},
    render::{
        escape::harmless,
        flame::{Picture, Shown, kept},
    },
};

/// Functions that the graph of a page has at most.
const MOST_BOXES: usize = 3000;

/// The graph; nothing if nothing is ranked.
pub(super) fn flame_graph(traced: &Traced<'_>) -> Markup {
    if traced.samples.is_empty() {
        return html! {};
    }
    let tree = kept(traced.report, traced.samples).pruned(MOST_BOXES);
    let picture = Picture {
        tree: &tree,
        shown: Shown::Kept,
        title: "Pages taken and kept, by stack".to_owned(),
        remark: String::new(),
    };
    let kinds: BTreeSet<_> = traced.samples.iter().map(|it| it.kind).collect();
    html! {
        section data-flame="" {
            h2 { "By stack" }
            p.faint {
                "A box is a function, as wide as what was taken through it and kept; below it who called. "
                "A click on a box widens it, Escape shows all again. "
                (picture.left_out())
            }
            div.controls hidden {
                label { "Search " input type="search" data-control="search" placeholder="regular expression"; }
                label {
                    "Module "
                    select data-control="module" {
                        option value="" { "all" }
                        @for module in traced.report.modules() {
                            @let module = harmless(module);
                            option value=(module) { (module) }
                        }
                    }
                }
                label {
                    "Colour "
                    select data-control="colour" {
                        option value="module" { "by module" }
                        option value="kind" { "by kind" }
                    }
                }
                @for kind in &kinds {
                    (checkbox(*kind))
                }
                button type="button" data-control="reset" { "Reset zoom" }
            }
            div.scroll { (picture.svg(false, PreEscaped(String::new()))) }
        }
    }
}

fn checkbox(kind: Kind) -> Markup {
    html! {
        label.kind {
            input type="checkbox" data-control="kind" value=(kind.name()) checked;
            (kind.name())
        }
    }
}
