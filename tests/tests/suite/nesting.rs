//! Programs in the middle of their own runs, as raw tracepoints let it happen before Linux
//! 6.1, and runs by hand later, too.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use pagetrace_tests::{
    harness::{Kernel, eventually, note, root_or_skip, skip, stay_on, two_cpus_or_skip},
    model::{Event, Page, Programs, Settings},
};
use tracer_ebpf::{FIRST_SITE, InterruptCode, STACK_LOST, Slot};

/// Since this release a program has a stack of its own on each CPU. The kernel keeps runs
/// apart that events bring about, and not those by hand: nested, they crash it.
const PRIVATE_STACKS: Kernel = Kernel {
    major: 6,
    minor: 13,
};

/// Page frames of the task, and as many of interrupts.
const FRAMES: u64 = 16 * 1024;

/// An allocation of one page. Its gfp flags are no other's, so it has a site of its own.
fn allocation(frame: u64) -> Event {
    Event::Allocation {
        page: Page::Frame(frame),
        order: 0,
        gfp: frame as u32,
        migratetype: 0,
        stack: 0,
        depth: 0,
    }
}

fn free(frame: u64) -> Event {
    Event::Free {
        page: Page::Frame(frame),
        order: 0,
        depth: 0,
    }
}

/// Runs events of a task on CPU 1, again and again, while interrupts there run each of
/// their own; gives how many were run.
fn collide(programs: &Programs, event: impl Fn(u64) -> Event + Sync) -> u64 {
    let run = |frame, cpu| programs.run(&event(frame), cpu).expect("it ran before");
    let (is_done, runs) = (AtomicBool::new(false), AtomicU64::new(FRAMES));
    thread::scope(|scope| {
        scope.spawn(|| {
            stay_on(1);
            for frame in (0..FRAMES).cycle() {
                run(frame, None);
                runs.fetch_add(1, Ordering::Relaxed);
                if is_done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        scope.spawn(|| {
            stay_on(0);
            (FRAMES..2 * FRAMES).for_each(|frame| run(frame, Some(1)));
            is_done.store(true, Ordering::Relaxed);
        });
    });
    runs.into_inner()
}

/// What the slot of a page frame says.
fn slot(programs: &Programs, frame: u64) -> Slot {
    Slot(programs.slots()[frame as usize].load(Ordering::Relaxed))
}

/// Panics unless each record is that of the stack that has its key.
fn check_records(programs: &Programs) {
    for (key, id) in programs.keys().expect("the keys") {
        let site = programs.site(id).expect("its record");
        let found = site.key(&InterruptCode::default()).key;
        assert_eq!(found, key, "site {id}, gfp {:#x}", site.gfp);
    }
}

#[test]
fn an_interrupt_in_the_middle_of_an_allocation_takes_nothing_from_it() {
    const TEST: &str = "an_interrupt_in_the_middle_of_an_allocation_takes_nothing_from_it";
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    if !two_cpus_or_skip(TEST) {
        return;
    }
    if Kernel::running() >= PRIVATE_STACKS {
        let reason = "runs by hand must not nest since Linux 6.13: they share a stack";
        return skip(TEST, reason);
    }
    let settings = Settings::new(2 * FRAMES, 2 * FRAMES as u32);
    let programs = Programs::load(settings).expect("root may load the programs");
    let (mut taken, mut freed) = (0, 0);
    eventually("an interrupt in the middle of an allocation", || {
        taken += collide(&programs, allocation);
        let nested = programs.counters().expect("the counters").allocations();
        (nested.nested[0] > 0).then_some(())
    });
    check_records(&programs);
    let counters = programs.counters().expect("the counters");
    let counts = counters.allocations();
    note(&format!(
        "{} of {taken} allocations in the middle of others",
        counts.nested[0]
    ));
    assert_eq!(
        (counts.events, counts.pages),
        (taken, taken),
        "{counters:?}"
    );
    for frame in 0..2 * FRAMES {
        match slot(&programs, frame).site() {
            // The task is interrupted, and interrupts nothing.
            STACK_LOST => assert!(frame >= FRAMES || counts.failed_unwinds > 0, "{frame}"),
            id => {
                assert!(id >= FIRST_SITE, "{frame}: {id}");
                let site = programs.site(id).expect("its record");
                assert_eq!(u64::from(site.gfp), frame);
            }
        }
    }
    assert_eq!(counters.outstanding(), 2 * FRAMES, "{counters:?}");

    eventually("an interrupt in the middle of a free", || {
        freed += collide(&programs, free);
        let counters = programs.counters().expect("the counters");
        (counters.free.levels[1].events > 0).then_some(())
    });
    let counters = programs.counters().expect("the counters");
    let counts = counters.frees();
    assert_eq!(
        (counts.events, counts.pages),
        (freed, 2 * FRAMES),
        "{counters:?}"
    );
    assert_eq!(counts.unmatched, freed - 2 * FRAMES, "{counters:?}");
    assert!((0..2 * FRAMES).all(|frame| slot(&programs, frame).0 == 0));
}

#[test]
fn a_run_in_the_middle_of_another_leaves_its_scratch_alone() {
    let test = "a_run_in_the_middle_of_another_leaves_its_scratch_alone";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let mut programs = Programs::load(Settings::new(8, 8)).expect("root may load the programs");
    programs.apply(&allocation(0)).expect("the kernel runs it");
    let scratch = |programs: &Programs| {
        let sites = programs.scratch().expect("the scratch").into_iter();
        sites
            .map(|site| (site.gfp, site.frames))
            .collect::<Vec<_>>()
    };
    let before = scratch(&programs);
    for depth in 1..=3 {
        let event = Event::Allocation {
            page: Page::Frame(4),
            order: 2,
            gfp: 7,
            migratetype: 0,
            stack: 0,
            depth,
        };
        programs.apply(&event).expect("the kernel runs it");
        assert_eq!(scratch(&programs), before, "{depth}");
        assert_eq!(slot(&programs, 7).site(), STACK_LOST + 2, "{depth}");
        let counters = programs.counters().expect("the counters");
        assert_eq!(counters.alloc.levels[depth as usize].nested[2], 1);
    }
}
