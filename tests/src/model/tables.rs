//! What the tables should hold: the programs once more, as plainly as possible.

use std::collections::HashMap;

use tracer_ebpf::{
    AllocationCounters, BULK, BULK_PAGES, Counters, FIRST_SITE, MAX_ORDER, SITE_TABLE_FULL,
    STACK_LOST, Slot,
};

use super::{ARRAYS, Event, Known, MadeUpStack, Page, PageArray, Settings, stacks::STACKS};

/// The tables, without a kernel.
pub struct Model {
    settings: Settings,
    unwinds: bool,
    epoch: u32,
    /// Sites that the kernel has unwound a stack to, by order and gfp flags.
    ids: HashMap<(u32, u32), u32>,
    /// Whether a stack found no room in the site table.
    is_full: bool,
    stacks: [MadeUpStack; STACKS],
    known: Known,
    /// Other keys of sites.
    keys: HashMap<u64, u32>,
    /// Which entries of each array were empty when the call that is under way was given it.
    notes: [Option<Vec<bool>>; ARRAYS],
    /// The slot of every page frame.
    pub slots: Vec<u32>,
    /// Pages ever recorded, by site id.
    pub site_pages: Vec<u64>,
    /// The counters.
    pub counters: Counters,
}

/// The counters of the program that runs.
type Counts = fn(&mut Counters) -> &mut AllocationCounters;

const OUTERMOST: Counts = |counters| &mut counters.alloc.levels[0];
const BULK_PROGRAM: Counts = |counters| &mut counters.bulk;

impl Model {
    /// Empty tables, for programs that can unwind their stack or cannot.
    pub fn new(settings: Settings, unwinds: bool) -> Self {
        Self {
            settings,
            unwinds,
            epoch: 0,
            ids: HashMap::new(),
            is_full: false,
            stacks: MadeUpStack::all(),
            known: Known::NONE,
            keys: HashMap::new(),
            notes: [const { None }; ARRAYS],
            slots: vec![0; settings.slots()],
            site_pages: vec![0; settings.site_entries() as usize],
            counters: Counters::default(),
        }
    }

    /// What is left of each epoch when it goes into another.
    pub fn merge_epochs(&mut self, into: &[u32]) {
        for word in self.slots.iter_mut().filter(|word| **word != 0) {
            let slot = Slot(*word);
            *word = Slot::new(slot.site(), into[slot.epoch() as usize]).0;
        }
    }

    /// Does what the programs should do. Only they know whether they drew an allocation to be
    /// checked.
    pub fn apply(&mut self, event: &Event, is_checked: bool) {
        match event {
            Event::Allocation { migratetype, .. }
                if Some(*migratetype) == self.settings.skipped_migratetype => {}
            Event::Allocation {
                page,
                order,
                gfp,
                stack,
                depth,
                ..
            } if self.includes(*order, *gfp) => {
                let block = (*page, *order);
                let stack = self.stacks[*stack];
                self.allocate(block, *gfp, *depth, &stack, is_checked);
            }
            Event::Allocation { .. } => {}
            Event::Free { page, order, depth } => self.free(*page, *order, *depth),
            Event::BulkEntry(array) if self.includes(0, array.gfp) => self.bulk_entry(array),
            Event::BulkExit(array, filled) if self.includes(0, array.gfp) => {
                self.bulk_exit(array, *filled);
            }
            Event::BulkList { gfp, new, .. } if self.includes(0, *gfp) => {
                self.bulk_list(*gfp, new);
            }
            Event::BulkEntry(_) | Event::BulkExit(..) | Event::BulkList { .. } => {}
            Event::Epoch(epoch) => self.epoch = *epoch,
            Event::Learn(known) => self.known = *known,
            Event::Know { .. } => {
                self.keys.extend(self.new_key(event));
            }
        }
    }

    const fn includes(&self, order: u32, gfp: u32) -> bool {
        self.settings.filters.include(order, gfp)
    }

    /// The key that an event adds, with its site: none for a site that is yet to come, and
    /// once the table was full, for programs do not ask it again then.
    pub fn new_key(&self, event: &Event) -> Option<(u64, u32)> {
        let Event::Know { stack, as_if, site } = event else {
            return None;
        };
        let key = self.stacks[*stack].key(as_if.0, as_if.1);
        let id = *self.ids.get(site)?;
        let has_room = self.keys.len() < self.settings.max_sites as usize / 2;
        let is_new = !self.keys.contains_key(&key);
        let by_rules = self.settings.check_every.is_some();
        (by_rules && has_room && is_new && !self.is_full).then_some((key, id))
    }

    fn allocate(
        &mut self,
        (page, order): (Page, u32),
        gfp: u32,
        depth: u64,
        stack: &MadeUpStack,
        is_checked: bool,
    ) {
        let level = depth as usize;
        let block = self.block(page, order);
        let counts = &mut self.counters.alloc.levels[level];
        if page == Page::Null {
            counts.failed += 1;
            return;
        }
        counts.events += 1;
        let Some(block) = block else {
            counts.out_of_range += 1;
            return;
        };
        let site = if depth > 0 {
            counts.nested[order as usize] += 1;
            STACK_LOST + order
        } else {
            let Some(site) = self.site_of(order, gfp, stack, is_checked) else {
                return;
            };
            self.site_pages[site as usize] += 1 << order;
            site
        };
        let slots = &mut self.slots[block];
        let counts = &mut self.counters.alloc.levels[level];
        counts.pages += 1 << order;
        counts.missed_frees += marked(slots);
        slots.fill(Slot::new(site, self.epoch).0);
    }

    fn free(&mut self, page: Page, order: u32, depth: u64) {
        let block = self.block(page, order);
        let counts = &mut self.counters.free.levels[depth as usize];
        counts.events += 1;
        let Some(block) = block else {
            counts.out_of_range += 1;
            return;
        };
        let slots = &mut self.slots[block];
        let cleared = marked(slots);
        slots.fill(0);
        counts.pages += cleared;
        counts.unmatched += u64::from(cleared == 0);
    }

    fn bulk_entry(&mut self, array: &PageArray) {
        let seen = array.pages.iter().take(BULK_PAGES as usize);
        let empty = seen.map(|&page| page == Page::Null).collect();
        self.notes[array.number] = Some(empty);
    }

    fn bulk_exit(&mut self, array: &PageArray, filled: u64) {
        let Some(empty) = self.notes[array.number].take() else {
            self.counters.bulk.unread_pages += filled;
            return;
        };
        self.counters.bulk.unread_pages += filled.saturating_sub(BULK_PAGES);
        let most = empty.iter().filter(|&&empty| empty).count() as u64;
        let entries = array.pages.iter().zip(empty).take(filled as usize);
        let new = entries.filter(|(_, was_empty)| *was_empty);
        self.fill(array.gfp, most.min(filled), new.map(|(&page, _)| page));
    }

    fn bulk_list(&mut self, gfp: u32, new: &[u64]) {
        let len = new.len() as u64;
        self.counters.bulk.unread_pages += len.saturating_sub(BULK_PAGES);
        let seen = new.iter().take(BULK_PAGES as usize);
        self.fill(gfp, len, seen.map(|&frame| Page::Frame(frame)));
    }

    /// Marks pages of one bulk call, of which there are no more than `most`.
    fn fill(&mut self, gfp: u32, most: u64, pages: impl Iterator<Item = Page>) {
        if most == 0 {
            return;
        }
        self.counters.bulk.events += 1;
        let Some(site) = self.site(BULK, gfp, most, BULK_PROGRAM) else {
            return;
        };
        for page in pages {
            let Some(block) = self.block(page, 0) else {
                self.counters.bulk.out_of_range += 1;
                continue;
            };
            let slot = &mut self.slots[block.start];
            if *slot == 0 {
                *slot = Slot::new(site, self.epoch).0;
                self.counters.bulk.pages += 1;
                self.site_pages[site as usize] += 1;
            }
        }
    }

    /// Where the slots of a block are, if the table has them.
    pub fn block(&self, page: Page, order: u32) -> Option<std::ops::Range<usize>> {
        let Page::Frame(frame) = page else {
            return None;
        };
        if order > MAX_ORDER {
            return None;
        }
        let mut spans = self.settings.spans.iter();
        let span = spans.find(|it| (it.first..it.first + it.frames).contains(&frame))?;
        let first = (frame - span.first + span.slot) as usize;
        Some(first..first + (1 << order))
    }

    /// The site of an allocation, by rules or by the kernel's unwinder.
    fn site_of(
        &mut self,
        order: u32,
        gfp: u32,
        stack: &MadeUpStack,
        is_checked: bool,
    ) -> Option<u32> {
        let by_rules = self.settings.check_every.is_some() && !self.settings.filters.own;
        if by_rules && let Some(site) = self.site_by_rules(order, gfp, stack, is_checked) {
            return Some(site);
        }
        self.site(order, gfp, 1 << order, OUTERMOST)
    }

    /// The site that rules lead to, if it is not left to the kernel's unwinder.
    fn site_by_rules(
        &mut self,
        order: u32,
        gfp: u32,
        stack: &MadeUpStack,
        is_checked: bool,
    ) -> Option<u32> {
        let full = SITE_TABLE_FULL + order;
        let known = self.keys.get(&stack.key(order, gfp)).copied();
        let known = known.or_else(|| self.is_full.then_some(full));
        let unwinds = &mut self.counters.unwind;
        let Some(site) = known.filter(|_| stack.is_known(self.known)) else {
            assert!(!is_checked, "what was no hit is checked");
            unwinds.misses += u64::from(self.unwinds);
            return None;
        };
        unwinds.hits += 1;
        let is_lucky = self.settings.check_every != Some(1);
        assert!(is_checked || is_lucky, "a hit is not checked");
        if !is_checked {
            let counts = OUTERMOST(&mut self.counters);
            counts.site_table_full += u64::from(site == full);
            return Some(site);
        }
        unwinds.checked += 1;
        let truth = self.ids.get(&(order, gfp)).copied().unwrap_or(full);
        unwinds.mismatched += u64::from(site != truth);
        None
    }

    /// The site of so many pages; none if the tracer took them. All events have one stack, so
    /// order and gfp flags alone make a site.
    fn site(&mut self, order: u32, gfp: u32, pages: u64, counts: Counts) -> Option<u32> {
        let counts = counts(&mut self.counters);
        counts.failed_unwinds += u64::from(!self.unwinds);
        if self.settings.filters.own {
            counts.own_pages += pages;
            return None;
        }
        if !self.unwinds {
            return Some(STACK_LOST + order);
        }
        if let Some(&id) = self.ids.get(&(order, gfp)) {
            return Some(id);
        }
        let id = FIRST_SITE + self.ids.len() as u32;
        if id == self.settings.site_entries() {
            self.is_full = true;
            counts.site_table_full += 1;
            return Some(SITE_TABLE_FULL + order);
        }
        self.ids.insert((order, gfp), id);
        Some(id)
    }
}

/// How many of the slots are marked.
fn marked(slots: &[u32]) -> u64 {
    slots.iter().filter(|&&slot| slot != 0).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings {
        skipped_migratetype: Some(1),
        ..Settings::new(1000, 2)
    };

    fn allocation(frame: u64, order: u32, gfp: u32) -> Event {
        Event::Allocation {
            page: Page::Frame(frame),
            order,
            gfp,
            migratetype: 0,
            stack: 0,
            depth: 0,
        }
    }

    fn free(frame: u64, order: u32) -> Event {
        Event::Free {
            page: Page::Frame(frame),
            order,
            depth: 0,
        }
    }

    fn after(events: &[Event]) -> Model {
        let mut model = Model::new(SETTINGS, true);
        events.iter().for_each(|event| model.apply(event, false));
        model
    }

    #[test]
    fn a_block_is_marked_with_site_and_epoch() {
        let model = after(&[Event::Epoch(7), allocation(4, 2, 0)]);
        let slot = Slot::new(FIRST_SITE, 7).0;
        assert_eq!(model.slots[3..9], [0, slot, slot, slot, slot, 0]);
        assert_eq!(model.site_pages[FIRST_SITE as usize], 4);
        assert_eq!(model.counters.outstanding(), 4);
    }

    #[test]
    fn pieces_are_freed_one_by_one() {
        let model = after(&[allocation(4, 2, 0), free(6, 1), free(4, 0), free(4, 0)]);
        let slot = Slot::new(FIRST_SITE, 0).0;
        assert_eq!(model.slots[4..8], [0, slot, 0, 0]);
        assert_eq!(
            (
                model.counters.free.levels[0].pages,
                model.counters.free.levels[0].unmatched
            ),
            (3, 1)
        );
    }

    #[test]
    fn a_lost_free_heals() {
        let model = after(&[allocation(4, 1, 0), allocation(4, 2, 0)]);
        assert_eq!(
            (
                model.counters.alloc.levels[0].pages,
                model.counters.alloc.levels[0].missed_frees
            ),
            (6, 2)
        );
        assert_eq!(model.counters.outstanding(), 4);
    }

    #[test]
    fn a_full_site_table_keeps_the_order() {
        let events = [
            allocation(0, 0, 1),
            allocation(1, 0, 2),
            allocation(8, 3, 3),
        ];
        let model = after(&events);
        assert_eq!(Slot(model.slots[1]).site(), FIRST_SITE + 1);
        assert_eq!(Slot(model.slots[8]).site(), SITE_TABLE_FULL + 3);
        assert_eq!(model.counters.alloc.levels[0].site_table_full, 1);
    }

    #[test]
    fn what_has_no_slot_is_counted() {
        let null = Event::Allocation {
            page: Page::Null,
            order: 0,
            gfp: 0,
            migratetype: 0,
            stack: 0,
            depth: 0,
        };
        let model = after(&[null, allocation(1000, 0, 0), free(0, MAX_ORDER + 1)]);
        assert_eq!(marked(&model.slots), 0);
        assert_eq!(model.counters.alloc.levels[0].failed, 1);
        assert_eq!(model.counters.alloc.levels[0].out_of_range, 1);
        assert_eq!(model.counters.free.levels[0].out_of_range, 1);
    }
}
