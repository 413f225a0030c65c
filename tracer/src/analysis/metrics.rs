//! Numbers for a monitoring system, of a report.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::summary;
use crate::model::{Entry, Frame, GroupBy, KindChoice, Report, Selection, SiteMetrics, SortKey};

/// The `top` call sites with most pages that no counter shows, and how much all others have, in bytes.
pub fn site_metrics(report: &Report, top: usize) -> (Vec<SiteMetrics>, u64) {
    let selection = Selection {
        by: GroupBy::Stack,
        sort: SortKey::Bytes,
        kinds: KindChoice::kinds(&[KindChoice::Unaccounted]),
        ..Selection::default()
    };
    let summary = summary(report, &selection);
    let shown = summary.entries.iter().take(top);
    let mut sites: Vec<SiteMetrics> = Vec::new();
    for site in shown.map(|entry| site(report, entry)) {
        // Stacks that differ in nothing but their addresses are one.
        match sites
            .iter_mut()
            .find(|it| it.fingerprint == site.fingerprint)
        {
            Some(same) => same.bytes += site.bytes,
            None => sites.push(site),
        }
    }
    let shown: u64 = sites.iter().map(|it| it.bytes).sum();
    (sites, summary.totals.ranked_bytes.saturating_sub(shown))
}

fn site(report: &Report, entry: &Entry) -> SiteMetrics {
    let stack = entry.sites.first().and_then(|it| report.sites.get(it.site));
    let frames = stack.map_or(&[][..], |it| &it.stack);
    SiteMetrics {
        fingerprint: match frames {
            [] => entry.owner.trim_matches(['[', ']']).replace(' ', "-"),
            _ => fingerprint(report.frames_at(frames)),
        },
        function: entry.owner.clone(),
        module: entry.module.clone(),
        bytes: entry.bytes,
    }
}

/// Sixteen digits that stand for a chain of functions, whatever their addresses, and whatever the
/// compiler and the kernel's build have put behind their names. Inlined functions are known only where
/// there is debug information, so they do not count.
pub fn fingerprint<'a>(frames: impl Iterator<Item = &'a Frame>) -> String {
    let mut digest = Sha256::new();
    for frame in frames.filter(|frame| !frame.inlined) {
        digest.update(frame.symbol.as_deref().map_or("?", plain));
        digest.update([0]);
    }
    let mut text = String::new();
    for byte in digest.finalize().iter().take(8) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The name of a function in the source: without what the compiler adds after a dot
/// (`.constprop.0`), and without the suffix of allocation profiling (Linux 6.10).
fn plain(symbol: &str) -> &str {
    let name = symbol.split('.').next().unwrap_or(symbol);
    name.strip_suffix("_noprof").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::sample;

    fn of(symbols: &[&str]) -> String {
        let frames: Vec<_> = symbols.iter().map(|it| Frame::named(it)).collect();
        fingerprint(frames.iter())
    }

    #[test]
    fn a_fingerprint_is_that_of_the_functions() {
        let one = of(&["alloc_pages_noprof", "rx_fill.constprop.0", "do_softirq"]);
        assert_eq!(one, of(&["alloc_pages", "rx_fill", "do_softirq"]));
        assert_ne!(one, of(&["alloc_pages", "rx_fill"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(one.len(), 16);
        // Dashboards keep these: another one is another metric.
        assert_eq!(one, "c919cf5408f519d3");
    }

    #[test]
    fn inlined_functions_do_not_count() {
        let inlined = Frame {
            inlined: true,
            ..Frame::named("static_helper")
        };
        let frames = [inlined, Frame::named("rx_fill")];
        assert_eq!(fingerprint(frames.iter()), of(&["rx_fill"]));
    }

    #[test]
    fn the_bytes_of_all_sites_add_up() {
        let report = sample::reported(&sample::three_sites());
        let (all, rest) = site_metrics(&report, 1000);
        assert_eq!(rest, 0);
        let sum: u64 = all.iter().map(|it| it.bytes).sum();
        let (one, others) = site_metrics(&report, 1);
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].bytes + others, sum);
        assert!(sum > 0);
    }
}
