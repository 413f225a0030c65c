//! What was lost or not seen.

use maud::{Markup, html};

use super::named;
use crate::{
    model::Report,
    render::{loss_accounting, text},
};

/// Every cause, zero or not.
pub(super) fn losses(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Lost or not seen, in " (text::counted(report.losses.events, "event")) }
            table {
                @for line in loss_accounting::lines(report) {
                    tr.faint[line.count == Some(0)] {
                        td.number { (loss_accounting::number(line.count)) }
                        td { (line.cause) }
                        td.faint { (named(&line.meaning)) }
                    }
                }
            }
        }
    }
}
