//! What the tables should hold: the programs once more, as plainly as possible.

use std::collections::HashMap;

use tracer_ebpf::{Counters, FIRST_SITE, MAX_ORDER, SITE_TABLE_FULL, STACK_LOST, Slot};

use super::{Event, Page, Settings};

/// The tables, without a kernel.
pub struct Model {
    settings: Settings,
    unwinds: bool,
    epoch: u32,
    ids: HashMap<(u32, u32), u32>,
    /// The slot of every page frame.
    pub slots: Vec<u32>,
    /// Pages ever recorded, by site id.
    pub site_pages: Vec<u64>,
    /// The counters.
    pub counters: Counters,
}

impl Model {
    /// Empty tables, for programs that can unwind their stack or cannot.
    pub fn new(settings: Settings, unwinds: bool) -> Self {
        Self {
            settings,
            unwinds,
            epoch: 0,
            ids: HashMap::new(),
            slots: vec![0; settings.slots()],
            site_pages: vec![0; settings.site_entries() as usize],
            counters: Counters::default(),
        }
    }

    /// Does what the programs should do.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Allocation { migratetype, .. }
                if Some(migratetype) == self.settings.skipped_migratetype => {}
            Event::Allocation {
                page, order, gfp, ..
            } if self.settings.filters.include(order, gfp) => self.allocate(page, order, gfp),
            Event::Allocation { .. } => {}
            Event::Free { page, order } => self.free(page, order),
            Event::Epoch(epoch) => self.epoch = epoch,
        }
    }

    fn allocate(&mut self, page: Page, order: u32, gfp: u32) {
        if page == Page::Null {
            self.counters.alloc.levels[0].failed += 1;
            return;
        }
        self.counters.alloc.levels[0].events += 1;
        let Some(block) = self.block(page, order) else {
            self.counters.alloc.levels[0].out_of_range += 1;
            return;
        };
        if self.settings.filters.own {
            self.counters.alloc.levels[0].own_pages += 1 << order;
            return;
        }
        let site = self.site(order, gfp);
        self.site_pages[site as usize] += 1 << order;
        let slots = &mut self.slots[block];
        self.counters.alloc.levels[0].pages += 1 << order;
        self.counters.alloc.levels[0].healed += marked(slots);
        slots.fill(Slot::new(site, self.epoch).0);
    }

    fn free(&mut self, page: Page, order: u32) {
        self.counters.free.levels[0].events += 1;
        let Some(block) = self.block(page, order) else {
            self.counters.free.levels[0].out_of_range += 1;
            return;
        };
        let slots = &mut self.slots[block];
        let cleared = marked(slots);
        slots.fill(0);
        self.counters.free.levels[0].pages += cleared;
        self.counters.free.levels[0].unmatched += u64::from(cleared == 0);
    }

    /// Where the slots of a block are, if the table has them.
    pub fn block(&self, page: Page, order: u32) -> Option<std::ops::Range<usize>> {
        let Page::Frame(frame) = page else {
            return None;
        };
        if frame >= self.settings.frames || order > MAX_ORDER {
            return None;
        }
        let first = frame as usize;
        Some(first..first + (1 << order))
    }

    /// All events have one stack, so order and gfp flags alone make a site.
    fn site(&mut self, order: u32, gfp: u32) -> u32 {
        if !self.unwinds {
            self.counters.alloc.levels[0].failed_unwinds += 1;
            return STACK_LOST + order;
        }
        if let Some(&id) = self.ids.get(&(order, gfp)) {
            return id;
        }
        let id = FIRST_SITE + self.ids.len() as u32;
        if id == self.settings.site_entries() {
            self.counters.alloc.levels[0].site_table_full += 1;
            return SITE_TABLE_FULL + order;
        }
        self.ids.insert((order, gfp), id);
        id
    }
}

/// How many of the slots are marked.
fn marked(slots: &[u32]) -> u64 {
    slots.iter().filter(|&&slot| slot != 0).count() as u64
}

#[cfg(test)]
mod tests {
    use super::{super::Filters, *};

    const SETTINGS: Settings = Settings {
        page_struct_size: 64,
        frames: 1000,
        skipped_migratetype: Some(1),
        max_sites: 2,
        filters: Filters::NONE,
    };

    fn allocation(frame: u64, order: u32, gfp: u32) -> Event {
        Event::Allocation {
            page: Page::Frame(frame),
            order,
            gfp,
            migratetype: 0,
        }
    }

    fn free(frame: u64, order: u32) -> Event {
        Event::Free {
            page: Page::Frame(frame),
            order,
        }
    }

    fn after(events: &[Event]) -> Model {
        let mut model = Model::new(SETTINGS, true);
        events.iter().for_each(|&event| model.apply(event));
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
                model.counters.alloc.levels[0].healed
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
        };
        let model = after(&[null, allocation(1000, 0, 0), free(0, 11)]);
        assert_eq!(marked(&model.slots), 0);
        assert_eq!(model.counters.alloc.levels[0].failed, 1);
        assert_eq!(model.counters.alloc.levels[0].out_of_range, 1);
        assert_eq!(model.counters.free.levels[0].out_of_range, 1);
    }
}
