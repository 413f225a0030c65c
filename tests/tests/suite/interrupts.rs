//! Pages taken in interrupts belong to the interrupt, not to whom it hit.

use pagetrace_tests::harness::{Leaker, Site, Tracing, root_or_skip};

use crate::LEAK;

#[test]
fn a_softirq_is_one_site_whomever_it_hits() {
    let Some(_machine) = root_or_skip("a_softirq_is_one_site_whomever_it_hits") else {
        return;
    };
    let trace = Tracing::attach(&["--kind", "all"]);
    let leak = Leaker::start(LEAK, &["icmp", "--count", "100"]);
    let outputs = trace.end();
    let replies = |site: &Site| site.contains("icmp_reply") || site.contains("icmp_push_reply");
    let sites = outputs.report.sites_where(replies);
    let pages: u64 = sites.iter().map(|site| site.unfreed_pages).sum();
    assert!(pages >= leak.announcement.pages, "{pages}: {sites:#?}");
    for site in sites {
        assert_eq!(site.context, "softirq", "{site:#?}");
        // The task that sent the request is not the owner of the reply.
        assert!(!site.contains("sendto"), "{site:#?}");
        let interrupted = site.interrupted_frames.iter();
        let mut names = interrupted.filter_map(|frame| frame.symbol.as_deref());
        assert!(names.any(|name| name.contains("sendto")), "{site:#?}");
    }
    assert!(outputs.table.contains("(softirq)"), "{}", outputs.table);
}
