//! The alloc and the free program do what a plain model of them does, slot by slot.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use pagetrace::{
    analysis::RollingTimeline,
    bpf::{Features, merge_epochs},
};
use pagetrace_tests::{
    harness::{is_emulated, note, root_or_skip, seed, stay_on},
    model::{Event, Filters, Model, Page, Programs, Random, Settings},
};
use tracer_ebpf::{CHUNK_SLOTS, Counters, Span, UnwindCounters};

/// `MIGRATE_MOVABLE`
const MOVABLE: u32 = 1;
/// All tables are compared after so many events; the block of an event at once.
const CHECKPOINT: u64 = 1 << 16;

/// The page frames of a machine of 8 values of the slot table, the last of which is not full.
const FRAMES: u64 = 8 * CHUNK - 100;
const CHUNK: u64 = CHUNK_SLOTS as u64;

/// Its memory is in two pieces, of which the table has the second one first. Stacks are copied and
/// unwound by rules.
const SETTINGS: Settings = {
    let mut settings = Settings {
        skipped_migratetype: Some(MOVABLE),
        check_every: Some(4),
        ..Settings::new(FRAMES, 1000)
    };
    settings.spans[0] = Span {
        first: 0,
        frames: 3 * CHUNK,
        slot: 5 * CHUNK,
    };
    settings.spans[1] = Span {
        first: 3 * CHUNK,
        frames: FRAMES - 3 * CHUNK,
        slot: 0,
    };
    settings
};

/// The programs and their model, side by side.
struct Pair {
    seed: u64,
    /// The number of the last event, and the event.
    last: (u64, Event),
    programs: Programs,
    model: Model,
    /// How many stacks were checked so far.
    checked: u64,
}

/// Shows with one page whether stacks can be unwound in programs run by hand.
const FIRST: Event = Event::Allocation {
    page: Page::Frame(0),
    order: 0,
    gfp: 0,
    migratetype: 0,
    stack: 0,
    depth: 0,
};

impl Pair {
    /// Loads the programs, and has both take the first page.
    fn load(settings: Settings, seed: u64) -> Self {
        let mut programs = Programs::load(settings).expect("root may load the programs");
        let run = programs.apply(&FIRST);
        run.expect("a kernel that runs programs by hand");
        let mut model = Model::new(settings, unwinds(&programs));
        model.apply(&FIRST, false);
        Self {
            seed,
            last: (0, FIRST),
            programs,
            model,
            checked: 0,
        }
    }

    fn apply(&mut self, number: u64, event: Event) {
        if let Some((key, site)) = self.model.new_key(&event) {
            self.programs.add_key(key, site).expect("there is room");
        }
        self.programs
            .apply(&event)
            .expect("the kernel ran it before");
        let is_checked = self.is_checked();
        self.model.apply(&event, is_checked);
        let blocks = event.blocks();
        self.last = (number, event);
        for (page, order) in blocks {
            if let Some(block) = self.model.block(page, order) {
                self.compare_slots(block);
            }
        }
        if number.is_multiple_of(CHECKPOINT) {
            self.compare();
        }
    }

    /// Whether the last event was one of those that the programs had the kernel unwind, too.
    fn is_checked(&mut self) -> bool {
        let checked = self
            .programs
            .counters()
            .expect("the counters")
            .unwind
            .checked;
        std::mem::replace(&mut self.checked, checked) < checked
    }

    /// Panics unless all tables are the same.
    fn compare(&self) {
        self.compare_slots(0..self.model.slots.len());
        let counters = self.programs.counters().expect("the counters");
        assert_eq!(counters, self.model.counters, "{}", self.place());
        let site_pages = self.programs.site_pages().expect("the page counts");
        assert_eq!(site_pages, self.model.site_pages, "{}", self.place());
    }

    fn compare_slots(&self, range: std::ops::Range<usize>) {
        let kernel = self.programs.slots()[range.clone()].iter().map(load);
        let model = &self.model.slots[range.clone()];
        for ((frame, kernel), &model) in range.zip(kernel).zip(model) {
            let place = || format!("slot {frame}, {}", self.place());
            assert!(
                kernel == model,
                "{kernel:#x} is not {model:#x}: {}",
                place()
            );
        }
    }

    fn place(&self) -> String {
        let (number, event) = &self.last;
        format!("event {number} ({event:?}), PAGETRACE_SEED={}", self.seed)
    }
}

/// Whether the stack of the first page was found.
fn unwinds(programs: &Programs) -> bool {
    let counters = programs.counters().expect("the counters");
    if counters.allocations().failed_unwinds > 0 {
        note("stacks cannot be unwound here: every page goes to [stack lost]");
    }
    counters.allocations().failed_unwinds == 0
}

fn load(slot: &AtomicU32) -> u32 {
    slot.load(Ordering::Relaxed)
}

/// What can have been counted.
fn fields(counters: &Counters) -> [(&str, u64); 19] {
    let (alloc, free) = (counters.allocations(), counters.frees());
    let unwinds = counters.unwind;
    [
        ("allocations", alloc.events),
        ("pages marked", alloc.pages),
        ("missed frees", alloc.missed_frees),
        ("failed allocations", alloc.failed),
        ("failed unwinds", alloc.failed_unwinds),
        ("site table full", alloc.site_table_full),
        ("allocations out of range", alloc.out_of_range),
        ("own pages", alloc.own_pages),
        ("nested allocations", alloc.nested.iter().sum()),
        ("pages marked in bulk", counters.bulk.pages),
        ("unread pages", counters.bulk.unread_pages),
        ("frees", free.events),
        ("pages cleared", free.pages),
        ("unmatched frees", free.unmatched),
        ("frees out of range", free.out_of_range),
        ("hits", unwinds.hits),
        ("misses", unwinds.misses),
        ("checked", unwinds.checked),
        ("mismatched", unwinds.mismatched),
    ]
}

/// Gives both the same events, and gives what the counters say in the end.
fn agree(test: &str, settings: Settings, events: u64) -> Option<Counters> {
    let _machine = root_or_skip(test)?;
    // Each CPU finds out for itself that the site table is full.
    stay_on(0);
    let seed = seed(test);
    let mut pair = Pair::load(settings, seed);
    for (number, event) in (1..=events).zip(Random::new(seed, settings.frames)) {
        pair.apply(number, event);
    }
    pair.compare();
    Some(pair.model.counters)
}

#[test]
fn a_million_random_events_leave_what_the_model_says() {
    let test = "a_million_random_events_leave_what_the_model_says";
    let settings = Settings {
        stack_reader: stack_reader(),
        ..SETTINGS
    };
    if let Some(counters) = agree(test, settings, 1_000_000) {
        for (field, count) in fields(&counters) {
            let impossible = ["failed unwinds", "site table full", "own pages"];
            let impossible = impossible.contains(&field);
            assert!(count > 0 || impossible, "no {field}: {counters:?}");
        }
    }
}

/// A day in which an event comes every tenth of a second, or every second where all is slow, and a service that begins epochs, merges
/// those that are long ago and uses their numbers again.
#[test]
fn a_day_of_epochs_leaves_what_the_model_says() {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let test = "a_day_of_epochs_leaves_what_the_model_says";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    stay_on(0);
    let seed = seed(test);
    let mut pair = Pair::load(SETTINGS, seed);
    let mut timeline = RollingTimeline::default();
    let mut merges = 0;
    let count = if is_emulated() { 86_400 } else { 864_000 };
    let events = Random::new(seed, SETTINGS.frames);
    let events = events.filter(|event| !matches!(event, Event::Epoch(_)));
    for (number, event) in (1..=count).zip(events) {
        let now = DAY * number as u32 / count as u32;
        if timeline.next_due().is_some_and(|due| now >= due) {
            let epoch = timeline.begin(now).expect("numbers are used again");
            pair.apply(number, Event::Epoch(epoch));
        }
        if let Some(merge) = timeline.merge(now) {
            merge_epochs(pair.programs.slots(), &merge.into);
            pair.model.merge_epochs(&merge.into);
            timeline.release(merge);
            pair.compare();
            merges += 1;
        }
        pair.apply(number, event);
    }
    pair.compare();
    assert!(merges > 10, "{merges} merges");
    assert!(pair.model.slots.iter().any(|&word| word != 0));
}

/// The function by which programs read their stack in place, if they can here.
fn stack_reader() -> Option<u32> {
    Features::probe().ok()?.stack_reader.ok()
}

#[test]
fn stacks_that_the_kernel_unwinds_do_what_the_model_says() {
    let test = "stacks_that_the_kernel_unwinds_do_what_the_model_says";
    let settings = Settings {
        check_every: None,
        ..SETTINGS
    };
    if let Some(counters) = agree(test, settings, 200_000) {
        assert_eq!(counters.unwind, UnwindCounters::default());
    }
}

#[test]
fn stacks_that_are_all_checked_do_what_the_model_says() {
    let test = "stacks_that_are_all_checked_do_what_the_model_says";
    let settings = Settings {
        check_every: Some(1),
        ..SETTINGS
    };
    if let Some(counters) = agree(test, settings, 200_000) {
        let UnwindCounters {
            hits,
            checked,
            mismatched,
            ..
        } = counters.unwind;
        assert_eq!(checked, hits, "{counters:?}");
        assert!(mismatched > 0 && mismatched < checked, "{counters:?}");
    }
}

#[test]
fn a_site_table_too_small_does_what_the_model_says() {
    let test = "a_site_table_too_small_does_what_the_model_says";
    let settings = Settings {
        max_sites: 16,
        skipped_migratetype: None,
        ..SETTINGS
    };
    if let Some(counters) = agree(test, settings, 200_000) {
        assert!(
            counters.allocations().site_table_full + counters.allocations().failed_unwinds > 0,
            "{counters:?}"
        );
    }
}

#[test]
fn pages_of_an_odd_size_do_what_the_model_says() {
    let test = "pages_of_an_odd_size_do_what_the_model_says";
    for page_struct_size in [56, 80] {
        let settings = Settings {
            page_struct_size,
            ..SETTINGS
        };
        agree(test, settings, 100_000);
    }
}

#[test]
fn what_is_filtered_does_what_the_model_says() {
    let test = "what_is_filtered_does_what_the_model_says";
    let filters = Filters {
        orders: (1, 4),
        gfp: (0b10, 0b100),
        own: false,
    };
    if let Some(counters) = agree(
        test,
        Settings {
            filters,
            ..SETTINGS
        },
        100_000,
    ) {
        assert!(counters.allocations().events > 0, "{counters:?}");
    }
}

#[test]
fn what_the_tracer_takes_itself_is_counted_and_not_marked() {
    let test = "what_the_tracer_takes_itself_is_counted_and_not_marked";
    let filters = Filters {
        own: true,
        ..Filters::NONE
    };
    if let Some(counters) = agree(
        test,
        Settings {
            filters,
            ..SETTINGS
        },
        100_000,
    ) {
        assert!(counters.allocations().own_pages > 0, "{counters:?}");
        // Nothing but what interrupts took in the middle of it.
        let outermost = counters.alloc.levels[0].pages;
        assert_eq!((outermost, counters.bulk.pages), (0, 0), "{counters:?}");
    }
}
