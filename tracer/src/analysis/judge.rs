//! What becomes of pages by the way they were taken.

use std::{collections::BTreeSet, mem};

use super::{
    owner::Way,
    run_length::{Run, RunLengthMap},
    survivors::{Survivors, site},
};
use crate::model::Kind;

/// How the pages of a site were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// What the way tells of them.
    pub(super) way: Way,
    /// The order they were taken in.
    pub(super) order: u32,
}

/// What the ways told of pages, beside their kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// Pages that are not what they were taken as any more, and were taken out: their free
    /// was missed.
    pub(super) missed_free_pages: u64,
    /// Pages that may be accounted for, as the names of those who would say so are hidden.
    pub(super) unnamed_pages: u64,
}

/// Gives pages the kind that the way they were taken tells, `taken` by the id of their site.
///
/// Pages that are not what they were taken as were freed unseen. As many as lost frees
/// explain are taken out; more are uncertain.
pub(super) fn judge(survivors: &mut Survivors, taken: impl Fn(u32) -> Option<Taken>) -> Judged {
    let mut judged = Judged::default();
    let mut contradicted = Contradicted::default();
    let are_verified = survivors.are_verified;
    let same_site = |a: &Run<_>, b: &Run<_>| site(a) == site(b);
    for runs in survivors.runs.chunk_by_mut(same_site) {
        let Some(Taken { way, order }) = taken(site(&runs[0])) else {
            continue;
        };
        for run in runs {
            match verdict(way, run.what, are_verified) {
                Verdict::Stay => (),
                Verdict::Become(kind) => run.what = kind,
                Verdict::Contradicted => {
                    contradicted.add(run, order);
                    run.what = Kind::Uncertain;
                }
            }
            judged.unnamed_pages += if way == Way::Unnamed && run.what == Kind::Unverified {
                u64::from(run.pages)
            } else {
                0
            };
        }
    }
    if survivors.lost.explain(contradicted.blocks) {
        judged.missed_free_pages = contradicted.pages;
        survivors.runs.retain(|run| !contradicted.has(run));
    }
    survivors.runs = RunLengthMap::from(mem::take(&mut survivors.runs)).joined();
    judged
}

/// Pages that are not what they were taken as any more.
#[derive(Debug, Default)]
struct Contradicted {
    sites: BTreeSet<u32>,
    pages: u64,
    /// One lost free explains one.
    blocks: u64,
}

impl Contradicted {
    fn add(&mut self, run: &Run<Kind>, order: u32) {
        self.sites.insert(site(run));
        self.pages += u64::from(run.pages);
        self.blocks += u64::from(run.pages.div_ceil(1 << order));
    }

    /// Whether these pages are among them: all uncertain ones of their sites are.
    fn has(&self, run: &Run<Kind>) -> bool {
        run.what == Kind::Uncertain && self.sites.contains(&site(run))
    }
}

/// What the way says of pages of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Stay,
    Become(Kind),
    Contradicted,
}

/// `is_verified` tells whether page flags were read: if so, a page that is unverified has none.
fn verdict(way: Way, kind: Kind, is_verified: bool) -> Verdict {
    let has_no_flag = kind == Kind::Raw || kind == Kind::Unverified && is_verified;
    match way {
        Way::Flagged(flagged) if kind == flagged => Verdict::Stay,
        Way::Flagged(_) if kind != Kind::Unverified || is_verified => Verdict::Contradicted,
        Way::Accounted(kind) if has_no_flag => Verdict::Become(kind),
        Way::Tracer if has_no_flag => Verdict::Become(Kind::Tracer),
        Way::Unnamed if kind == Kind::Raw => Verdict::Become(Kind::Unverified),
        _ => Verdict::Stay,
    }
}

#[cfg(test)]
mod tests {
    use tracer_ebpf::Slot;

    use super::*;
    use crate::analysis::survivors::LostFrees;

    const SITE: u32 = 30;
    const PIPES: u32 = 31;
    const SLABS: Way = Way::Flagged(Kind::Slab);

    /// Pages of [`SITE`], and some in pipes.
    fn survivors(kinds: &[(Kind, u32)], lost: Option<u64>, are_verified: bool) -> Survivors {
        let run = |(site, what, pages)| Run {
            word: Slot::new(site, 0).0,
            what,
            pages,
        };
        let kinds = kinds.iter().map(|&(kind, pages)| (SITE, kind, pages));
        let runs = kinds.chain([(PIPES, Kind::Raw, 5)]).map(run).collect();
        Survivors::new(runs, LostFrees(lost), are_verified)
    }

    /// What becomes of the pages of a site whose pages are taken two at once.
    fn judged(mut survivors: Survivors, way: Way) -> (Vec<(Kind, u64)>, Judged) {
        let taken = |site| (site == SITE).then_some(Taken { way, order: 1 });
        let judged = judge(&mut survivors, taken);
        let cells = |site| survivors.of(site);
        let left = |site| cells(site).map(|(cell, pages)| (cell.kind, u64::from(pages)));
        let pipes: Vec<_> = left(PIPES).collect();
        assert_eq!(pipes, [(Kind::Raw, 5)], "whatever becomes of others");
        (left(SITE).collect(), judged)
    }

    fn missed(missed_free_pages: u64) -> Judged {
        Judged {
            missed_free_pages,
            unnamed_pages: 0,
        }
    }

    #[test]
    fn what_is_no_slab_any_more_was_freed() {
        let found = [(Kind::Slab, 8), (Kind::Raw, 3), (Kind::Anonymous, 2)];
        for lost in [Some(3), None] {
            let judged = judged(survivors(&found, lost, true), SLABS);
            assert_eq!(judged, (vec![(Kind::Slab, 8)], missed(5)));
        }
    }

    #[test]
    fn what_lost_frees_do_not_explain_is_uncertain() {
        let found = [(Kind::Raw, 3), (Kind::Anonymous, 2)];
        let judged = judged(survivors(&found, Some(2), true), SLABS);
        assert_eq!(judged, (vec![(Kind::Uncertain, 5)], missed(0)));
    }

    #[test]
    fn pages_without_flags_contradict_nothing() {
        let found = [(Kind::Unverified, 3)];
        let unread = judged(survivors(&found, None, false), SLABS);
        assert_eq!(
            unread,
            (found.map(|(kind, _)| (kind, 3)).to_vec(), missed(0))
        );
        // With its flags read, only the references of the page are not known.
        let read = judged(survivors(&found, None, true), SLABS);
        assert_eq!(read, (vec![], missed(3)));
    }

    #[test]
    fn what_no_flag_tells_the_way_does() {
        let found = [(Kind::Raw, 3), (Kind::Unverified, 2), (Kind::Uncertain, 1)];
        for (way, kind) in [
            (Way::Accounted(Kind::Vmalloc), Kind::Vmalloc),
            (Way::Tracer, Kind::Tracer),
        ] {
            let judged = judged(survivors(&found, Some(0), true), way);
            let mut expected = vec![(kind, 5), (Kind::Uncertain, 1)];
            expected.sort();
            assert_eq!(judged, (expected, missed(0)));
        }
    }

    #[test]
    fn without_names_nothing_is_raw_for_sure() {
        let found = [(Kind::Raw, 3), (Kind::Slab, 1)];
        let (kinds, judged) = judged(survivors(&found, Some(0), true), Way::Unnamed);
        assert_eq!(kinds, [(Kind::Slab, 1), (Kind::Unverified, 3)]);
        assert_eq!(judged.unnamed_pages, 3);
    }
}
