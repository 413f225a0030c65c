//! Pages taken in interrupts belong to the interrupt, not to whom it hit.

use std::{
    hint,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use pagetrace::kernel::host;
use pagetrace_tests::{
    harness::{Leaker, Site, Tracing, root_or_skip, stay_on, two_cpus_or_skip},
    model::{Event, Filters, Page, Programs, Settings},
};
use tracer_ebpf::{Code, InterruptCode};

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

/// Where interrupts enter the running kernel.
fn interrupts() -> InterruptCode {
    let symbols = host::kallsyms().expect("root may read it");
    let entries = symbols.interrupt_entries();
    let code = |range: &Range<u64>| Code {
        start: range.start,
        len: range.end - range.start,
    };
    InterruptCode {
        irq: entries.irq.each_ref().map(code),
        softirq: code(&entries.softirq),
    }
}

#[test]
fn what_an_interrupt_takes_on_top_of_the_tracer_is_not_its_own() {
    const TEST: &str = "what_an_interrupt_takes_on_top_of_the_tracer_is_not_its_own";
    const INTERRUPTS: u64 = 1000;
    let Some(_machine) = root_or_skip(TEST) else {
        return;
    };
    if !two_cpus_or_skip(TEST) {
        return;
    }
    let settings = Settings {
        // This process stands for the tracer.
        filters: Filters {
            own: true,
            ..Filters::NONE
        },
        interrupts: interrupts(),
        ..Settings::new(2 * INTERRUPTS, 100)
    };
    let programs = Programs::load(settings).expect("root may load the programs");
    let take = |frame, cpu| {
        let event = Event::Allocation {
            page: Page::Frame(frame),
            order: 0,
            gfp: 0,
            migratetype: 0,
            stack: 0,
            depth: 0,
        };
        programs.run(&event, cpu).expect("the kernel runs it");
    };
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            stay_on(1);
            while !is_done.load(Ordering::Relaxed) {
                hint::spin_loop();
            }
        });
        stay_on(0);
        (0..INTERRUPTS).for_each(|frame| take(frame, Some(1)));
        is_done.store(true, Ordering::Relaxed);
    });
    (INTERRUPTS..2 * INTERRUPTS).for_each(|frame| take(frame, None));

    let counts = programs.counters().expect("the counters").allocations();
    assert_eq!(
        counts.own_pages, INTERRUPTS,
        "those of the task: {counts:?}"
    );
    assert_eq!(counts.pages, INTERRUPTS, "those of interrupts: {counts:?}");
    let slots = programs.slots().iter().enumerate();
    let marked = slots.filter(|(_, slot)| slot.load(Ordering::Relaxed) != 0);
    assert!(marked.map(|(frame, _)| frame as u64).eq(0..INTERRUPTS));
}
