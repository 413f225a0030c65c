//! What a case found, and what it ruled out.

use maud::{Markup, html};

use crate::{
    model::{Case, Finding, Gravity},
    render::{
        case::{
            amount,
            cause::{facts, headline},
            sure, what_to_do,
        },
        text,
    },
};

/// Findings that a page has at most.
const SHOWN: usize = 50;

/// Each finding with what speaks for it and what to do; what is only good to know comes last, in a line.
pub(super) fn findings(case: &Case) -> Markup {
    let findings = case.findings.iter().take(SHOWN);
    let (known, severe): (Vec<_>, Vec<_>) =
        findings.partition(|it| it.gravity == Gravity::Information);
    html! {
        @for finding in severe {
            (one(finding))
        }
        @if !known.is_empty() {
            section {
                h2 { "No leak, and good to know" }
                ul {
                    @for finding in known {
                        li { (headline(finding)) }
                    }
                }
            }
        }
    }
}

fn one(finding: &Finding) -> Markup {
    html! {
        section.finding {
            h2 { span.gravity { (finding.gravity.name()) } " " (headline(finding)) }
            dl {
                @for (name, fact) in facts(finding) {
                    dt { (name) }
                    dd { (fact) }
                }
                dt { "sure" }
                dd { (sure(finding)) }
                @for remedy in &finding.remedies {
                    dt { "do" }
                    dd.code { (what_to_do(remedy)) }
                }
            }
        }
    }
}

/// Everything that was looked at, and what could not be.
pub(super) fn looked_at(case: &Case) -> Markup {
    let limitations = case.evidence.limitations.iter();
    let limitations = limitations.chain(&case.evidence.after.limitations);
    html! {
        section {
            h2 { "What was looked at" }
            ul.columns {
                @for it in &case.looked_at {
                    li { (amount(it)) }
                }
            }
            ul.faint {
                @for limitation in limitations {
                    li { (text::limitation(limitation)) }
                }
            }
        }
    }
}
