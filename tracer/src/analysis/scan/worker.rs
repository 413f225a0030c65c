//! A worker of the scan: from slots and flags, a chunk at a time, to findings.

use std::{
    mem,
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};

use tracer_ebpf::{MAX_ORDER, Slot};

use super::{
    Finding, Marking, Pages, UNIT,
    slots::{is_marked, load, prefetch, same_word},
};
use crate::{
    analysis::run_length::{Run, RunLengthMap},
    model::{Kind, PageState},
};

/// What a worker found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) pages: RunLengthMap<Finding>,
    /// Blocks that nobody refers to and that are on a list: one lost free explains one.
    pub(super) listed_blocks: u64,
}

impl Found {
    /// Adds what another has found.
    pub(super) fn append(&mut self, other: Self) {
        self.pages.append(other.pages);
        self.listed_blocks += other.listed_blocks;
    }
}

/// Looks at one chunk of so many pages after the other. All that it knows about pages is of the
/// chunk it is at, so that no block is larger.
pub(super) struct Worker<'a, P, const CHUNK: usize> {
    pages: &'a P,
    marking: Marking,
    /// The first page frame of the chunk.
    first: u64,
    /// Its slots, which the programs may be clearing.
    slots: &'a [AtomicU32],
    /// What they were, up to the unit that is looked at; 0 beyond the last marked one.
    words: [u32; CHUNK],
    /// Up to its last marked page, or as far as the kernel tells.
    states: Vec<PageState>,
    /// What the slots were before the kernel was asked for states; while allocations are recorded.
    before: [u32; CHUNK],
    /// Pages to look at once more, by themselves; likewise.
    unsettled: Vec<usize>,
    /// The site asked about last, and its order.
    order: (u32, u32),
    unreferenced: Answer,
    listed: Answer,
    without_mapping: Answer,
    found: Found,
}

/// The last answer to a question about the pages of a unit: a bit for each.
#[derive(Clone, Copy)]
struct Answer {
    /// The first page frame of the unit.
    first: u64,
    bits: Option<u32>,
}

impl Answer {
    const NONE: Self = Self {
        first: u64::MAX,
        bits: None,
    };

    fn about(&mut self, first: u64, ask: impl FnOnce(u64) -> Option<u32>) -> Option<u32> {
        if self.first != first {
            let bits = ask(first);
            *self = Self { first, bits };
        }
        self.bits
    }
}

impl<'a, P: Pages, const CHUNK: usize> Worker<'a, P, CHUNK> {
    pub(super) fn new(pages: &'a P, marking: Marking) -> Self {
        Self {
            pages,
            marking,
            first: 0,
            slots: &[],
            words: [0; CHUNK],
            states: Vec::with_capacity(CHUNK),
            before: [0; CHUNK],
            unsettled: Vec::new(),
            order: (0, pages.order(0)),
            unreferenced: Answer::NONE,
            listed: Answer::NONE,
            without_mapping: Answer::NONE,
            found: Found::default(),
        }
    }

    pub(super) fn done(self) -> Found {
        self.found
    }

    pub(super) fn stretch(&mut self, slots: &'a [AtomicU32], first: u64) {
        for (slots, first) in slots.chunks(CHUNK).zip((first..).step_by(CHUNK)) {
            if is_marked(slots) {
                self.chunk(slots, first);
            }
        }
    }

    /// Looks at a chunk, and once more at what was in doubt.
    fn chunk(&mut self, slots: &'a [AtomicU32], first: u64) {
        let marked = |slot: &AtomicU32| slot.load(Ordering::Relaxed) != 0;
        let len = slots.iter().rposition(marked).map_or(0, |last| last + 1);
        (self.first, self.slots) = (first, slots);
        if self.marking == Marking::GoesOn {
            load(&slots[..len], &mut self.before[..len]);
        }
        self.states.clear();
        self.pages.states(first, len, &mut self.states);
        self.units(len);
        for page in mem::take(&mut self.unsettled) {
            self.look_again(page);
        }
    }

    /// Takes in what the slots are, after the pages: a unit at a time, so that one is looked at
    /// while the next is on its way from memory.
    fn units(&mut self, len: usize) {
        let slots = self.slots;
        if len == CHUNK
            && self.has_one_state()
            && let Some(word) = same_word(slots)
            && !self.has_changed(0..len, word)
        {
            self.even_chunk(word);
            return;
        }
        for (at, slots) in (0..).step_by(UNIT).zip(slots[..len].chunks(UNIT)) {
            let (words, rest) = self.words[at..at + UNIT].split_at_mut(slots.len());
            prefetch(&raw const slots[0]);
            load(slots, words);
            rest.fill(0);
            self.set_aside_changed(at);
            self.unit(at);
        }
    }

    /// Whether all pages of a chunk are the same, as far as the kernel tells.
    fn has_one_state(&self) -> bool {
        let (all, _) = self.states.as_chunks::<UNIT>();
        let like_first = |unit: &[PageState; UNIT]| are_same(unit) && unit[0] == all[0][0];
        self.states.is_empty() || self.states.len() == CHUNK && all.iter().all(like_first)
    }

    /// All pages are what the first one is, unless flags do not tell it all.
    fn even_chunk(&mut self, word: u32) {
        self.words.fill(word);
        let has_question = self.states.first().is_some_and(|&it| has_question(it));
        for at in (0..CHUNK).step_by(UNIT) {
            prefetch(&raw const self.slots[at]);
            if has_question {
                self.even_unit(at);
            }
        }
        if !has_question {
            let finding = self.finding(0, 0);
            self.count(0..CHUNK, finding);
        }
    }

    /// Whether any of these slots was another than `word` before the kernel was asked, so that its
    /// page may have changed hands in between.
    fn has_changed(&self, pages: Range<usize>, word: u32) -> bool {
        let before = self.before[pages].iter();
        self.marking == Marking::GoesOn && before.fold(0, |sum, it| sum | (it ^ word)) != 0
    }

    /// Has pages looked at once more whose slots have changed since the kernel was asked; nobody
    /// has them for now.
    fn set_aside_changed(&mut self, at: usize) {
        if self.marking == Marking::HasEnded {
            return;
        }
        for page in at..at + UNIT {
            let word = &mut self.words[page];
            if *word != 0 && *word != self.before[page] {
                *word = 0;
                self.unsettled.push(page);
            }
        }
    }

    /// Looks at a page by itself, until its slot stands still meanwhile. One that is marked and
    /// free can have been freed and taken again by the same site: its free was missed only if that
    /// is so every time.
    fn look_again(&mut self, page: usize) {
        let mut word = 0;
        for look in 1..=LOOKS {
            word = self.slots[page].load(Ordering::Relaxed);
            if word == 0 {
                return;
            }
            self.words[page] = word;
            let head = self.head(page);
            self.ask_again(page);
            self.ask_again(head);
            let finding = self.finding(page, head);
            let is_settled = look == LOOKS || !finding.looks_free();
            if is_settled && self.words[page] == word && self.is_still(page, word) {
                self.found.listed_blocks += u64::from(finding == Finding::OnList && page == head);
                return self.add(word, finding, 1);
            }
        }
        self.add(word, Finding::NotLookedUp, 1);
    }

    /// Forgets what is known of the unit that a page is in, and reads its states anew.
    fn ask_again(&mut self, page: usize) {
        let at = page / UNIT * UNIT;
        load_unit(&self.slots[at..], &mut self.words[at..at + UNIT]);
        self.unreferenced = Answer::NONE;
        self.listed = Answer::NONE;
        self.without_mapping = Answer::NONE;
        let known = self.states.len().saturating_sub(at).min(UNIT);
        let mut states = Vec::with_capacity(UNIT);
        self.pages.states(self.unit_of(page), known, &mut states);
        for (state, new) in self.states.iter_mut().skip(at).zip(states) {
            *state = new;
        }
    }

    fn unit(&mut self, at: usize) {
        if !self.is_even(at) {
            (at..at + UNIT).for_each(|page| self.page(page));
        } else if self.words[at] != 0 {
            self.even_unit(at);
        }
    }

    /// Whether the unit's words are the same, and its states are.
    fn is_even(&self, at: usize) -> bool {
        let (words, _) = self.words[at..].as_chunks::<UNIT>();
        let words = &words[0];
        let same_words = words.iter().fold(0, |sum, word| sum | (word ^ words[0])) == 0;
        same_words
            && (words[0] == 0
                || self.states.len() <= at
                || self.states[at..].first_chunk().is_some_and(are_same))
    }

    /// A block is aligned to its size. So the pages of a unit have their heads in
    /// it, and these are like the first one, or they all have the same head.
    fn even_unit(&mut self, at: usize) {
        let head = self.head(at);
        if self.has_one_answer(at, head) {
            let finding = self.finding(at, head);
            self.count(at..at + UNIT, finding);
        } else {
            (at..at + UNIT).for_each(|page| self.page(page));
        }
    }

    /// Whether the answer about the pages of an even unit, if one is needed, is the
    /// ordinary one for all of them.
    fn has_one_answer(&mut self, at: usize, head: usize) -> bool {
        let decisive = self.decisive(at, head);
        let exceptions = match self.state(at, head) {
            Some(PageState::Unmarked) => self.unreferenced(decisive),
            Some(PageState::PageCache | PageState::MaybePageCache) => {
                self.without_mapping(decisive)
            }
            _ => None,
        };
        exceptions.unwrap_or(0) == 0
    }

    fn page(&mut self, at: usize) {
        let word = self.words[at];
        if word == 0 {
            return;
        }
        let head = self.head(at);
        let finding = self.finding(at, head);
        if matches!(finding, Finding::OnList | Finding::Unreferenced) && !self.is_still(at, word) {
            return;
        }
        if self.marking == Marking::HasEnded {
            self.found.listed_blocks += u64::from(finding == Finding::OnList && at == head);
        }
        self.count(at..at + 1, finding);
    }

    /// Whether a page is still marked, as it was before somebody was asked about it: if not,
    /// it was freed in between, and not unseen.
    fn is_still(&self, at: usize, word: u32) -> bool {
        self.slots[at].load(Ordering::Relaxed) == word
    }

    /// What a page is, whose block began at `head`.
    fn finding(&mut self, page: usize, head: usize) -> Finding {
        let decisive = self.decisive(page, head);
        match self.state(page, head) {
            None => Finding::Known(Kind::Unverified),
            Some(PageState::Unmarked) if decisive == head => self.unmarked(head),
            Some(PageState::PageCache) => self.cached(decisive, Kind::Pinned),
            Some(PageState::MaybePageCache) => self.cached(decisive, Kind::Raw),
            Some(state) => {
                let order = self.order(self.words[page]);
                Kind::of(state, order >= self.pages.huge_order())
                    .map_or(Finding::Free, Finding::Known)
            }
        }
    }

    /// What the flags of a page say. Those of a block can be on its first page only.
    fn state(&self, page: usize, head: usize) -> Option<PageState> {
        let state = *self.states.get(page)?;
        let of_head = *self.states.get(head)?;
        let is_like_head = state == PageState::Unmarked
            && of_head != PageState::Free
            && self.are_together(page, head);
        Some(if is_like_head { of_head } else { state })
    }

    /// The page that answers for a page: the first of its block, while they belong together.
    fn decisive(&self, page: usize, head: usize) -> usize {
        if self.are_together(page, head) {
            head
        } else {
            page
        }
    }

    /// Whether a page still is as it was taken, in one block with `head`.
    fn are_together(&self, page: usize, head: usize) -> bool {
        self.words[page] == self.words[head]
    }

    /// What a page without flags is: references are counted on the first page of a block.
    fn unmarked(&mut self, head: usize) -> Finding {
        let is_head = |bits: u32| bits >> (head % UNIT) & 1 == 1;
        match self.unreferenced(head).map(is_head) {
            None => Finding::NotLookedUp,
            Some(false) => Finding::Known(Kind::Raw),
            Some(true) => match self.listed(head).map(is_head) {
                None => Finding::Unreferenced,
                // One of the kernel's frozen pages.
                Some(false) => Finding::Known(Kind::Raw),
                Some(true) => Finding::OnList,
            },
        }
    }

    /// What a page is that has flags of the page cache, and `otherwise` what it is if it
    /// belongs to no file.
    fn cached(&mut self, page: usize, otherwise: Kind) -> Finding {
        let bits = self.without_mapping(page).unwrap_or(0);
        Finding::Known(match bits >> (page % UNIT) & 1 {
            0 => Kind::File,
            _ => otherwise,
        })
    }

    fn unreferenced(&mut self, page: usize) -> Option<u32> {
        let (first, pages) = (self.unit_of(page), self.pages);
        let answer = &mut self.unreferenced;
        answer.about(first, |first| pages.unreferenced(first))
    }

    fn listed(&mut self, page: usize) -> Option<u32> {
        let (first, pages) = (self.unit_of(page), self.pages);
        self.listed.about(first, |first| pages.listed(first))
    }

    fn without_mapping(&mut self, page: usize) -> Option<u32> {
        let (first, pages) = (self.unit_of(page), self.pages);
        let answer = &mut self.without_mapping;
        answer.about(first, |first| pages.without_mapping(first))
    }

    /// The first page frame of the unit that a page is in.
    fn unit_of(&self, page: usize) -> u64 {
        self.first + (page / UNIT * UNIT) as u64
    }

    /// The first page of the block that `page` was taken in.
    fn head(&mut self, page: usize) -> usize {
        let order = self.order(self.words[page]);
        page >> order << order
    }

    /// The order of the allocation that `word` stands for.
    fn order(&mut self, word: u32) -> u32 {
        let site = Slot(word).site();
        if self.order.0 != site {
            self.order = (site, self.pages.order(site));
        }
        self.order.1.min(MAX_ORDER)
    }

    /// Counts pages with the same word, unless they are to be looked at once more.
    fn count(&mut self, pages: Range<usize>, what: Finding) {
        if self.marking == Marking::GoesOn && what.looks_free() {
            self.unsettled.extend(pages);
        } else {
            self.add(self.words[pages.start], what, pages.len() as u32);
        }
    }

    fn add(&mut self, word: u32, what: Finding, pages: u32) {
        self.found.pages.add(Run { word, what, pages });
    }
}

/// So often a page that is marked and looks free is looked at while allocations are recorded. Each
/// time, one that is freed and taken again all the time is found out with a good chance.
const LOOKS: usize = 8;

/// Copies the slots of a unit as they are now; there are fewer at the end of the table.
fn load_unit(slots: &[AtomicU32], words: &mut [u32]) {
    let len = slots.len().min(words.len());
    load(&slots[..len], &mut words[..len]);
}

/// Whether flags alone do not tell what a page is.
const fn has_question(state: PageState) -> bool {
    matches!(
        state,
        PageState::Unmarked | PageState::PageCache | PageState::MaybePageCache
    )
}

fn are_same(states: &[PageState; UNIT]) -> bool {
    states
        .iter()
        .fold(true, |same, state| same & (*state == states[0]))
}
