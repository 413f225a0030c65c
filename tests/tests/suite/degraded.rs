//! Degraded machines: what is lost is named, and the rest works.

use pagetrace_tests::harness::{
    Finished, Leaker, OPEN_END, Outputs, Pagetrace, Site, Tracing, complaint, root_or_skip,
};

use crate::LEAK;

const BTF: &str = "/sys/kernel/btf/vmlinux";
/// `BPF_RAW_TRACEPOINT_OPEN` of include/uapi/linux/bpf.h.
const OPEN_RAW_TRACEPOINT: u32 = 17;

/// A trace of 500 full pipes on a degraded machine.
fn trace_of_pipes(degraded: impl FnOnce(Pagetrace) -> Pagetrace) -> Outputs {
    let trace = Tracing::start(&OPEN_END, |pagetrace| degraded(pagetrace).spawn());
    let _leak = Leaker::start(LEAK, &["pipes", "--count", "500", "--pages", "16"]);
    trace.end()
}

fn refused(pagetrace: Pagetrace, reason: &str) {
    let finished = pagetrace.run();
    assert!(finished.refusal().contains(reason), "{finished:#?}");
}

fn check(degraded: impl FnOnce(Pagetrace) -> Pagetrace) -> Finished {
    degraded(Pagetrace::new(&["check"])).run()
}

#[test]
fn a_kernel_without_bpf_is_refused() {
    let Some(_machine) = root_or_skip("a_kernel_without_bpf_is_refused") else {
        return;
    };
    for (errno, reason) in [
        (libc::ENOSYS, "CONFIG_BPF_SYSCALL"),
        (libc::EPERM, "forbids"),
    ] {
        let degraded = |pagetrace: Pagetrace| pagetrace.failing_bpf(None, errno);
        refused(degraded(Pagetrace::new(&OPEN_END)), reason);
        let finished = check(degraded);
        assert_eq!(finished.status.code(), Some(1), "{finished:#?}");
        assert!(finished.stdout.contains(reason), "{finished:#?}");
    }
}

#[test]
fn a_kernel_without_the_tracepoint_is_refused() {
    let Some(_machine) = root_or_skip("a_kernel_without_the_tracepoint_is_refused") else {
        return;
    };
    let degraded = Pagetrace::new(&OPEN_END).failing_bpf(Some(OPEN_RAW_TRACEPOINT), libc::ENOENT);
    refused(degraded, "mm_page_alloc");
}

#[test]
fn too_little_memory_is_refused_and_says_how_much() {
    let Some(_machine) = root_or_skip("too_little_memory_is_refused_and_says_how_much") else {
        return;
    };
    let meminfo = "MemTotal: 24000000 kB\nMemAvailable: 3072 kB\n";
    let degraded = |pagetrace: Pagetrace| pagetrace.seeing("/proc/meminfo", meminfo);
    refused(degraded(Pagetrace::new(&OPEN_END)), "only 3 MiB");
    assert_eq!(check(degraded).status.code(), Some(1));
}

#[test]
fn without_btf_classic_tracepoints_serve() {
    let Some(_machine) = root_or_skip("without_btf_classic_tracepoints_serve") else {
        return;
    };
    let degraded = |pagetrace: Pagetrace| pagetrace.seeing(BTF, "");
    let outputs = trace_of_pipes(degraded);
    assert!(
        complaint(&outputs.stderr).contains("CONFIG_DEBUG_INFO_BTF"),
        "{outputs:#?}"
    );
    let pages = |site: &Site| site.contains("pipe_write") && site.contains("writev");
    assert_eq!(outputs.report.sum_where(pages), 8000);
    // Without BTF it is not known whether the kernel counts them.
    let losses = &outputs.report.losses;
    assert_eq!(losses.recursion_misses.sum(), None);
    // Nor can be looked up who holds a page, so nobody knows that they are not free.
    assert!(losses.unknown_reference_pages >= 8000, "{losses:?}");
    let sites = outputs.report.sites_where(pages);
    assert!(
        sites.iter().all(|it| it.kinds.keys().eq(["unverified"])),
        "{sites:#?}"
    );
    let raw = Pagetrace::new(&["-i", "600", "--hook", "raw"]);
    refused(degraded(raw), "CONFIG_DEBUG_INFO_BTF");
    assert_eq!(check(degraded).status.code(), Some(0));
}

#[test]
fn hidden_symbols_leave_addresses_and_a_remedy() {
    let Some(_machine) = root_or_skip("hidden_symbols_leave_addresses_and_a_remedy") else {
        return;
    };
    let hidden = "0000000000000000 T _stext\n0000000000000000 T do_one_initcall\n";
    let degraded = |pagetrace: Pagetrace| pagetrace.seeing("/proc/kallsyms", hidden);
    let outputs = trace_of_pipes(degraded);
    assert!(
        complaint(&outputs.stderr).contains("kernel.kptr_restrict"),
        "{outputs:#?}"
    );
    let sites = &outputs.report.sites;
    // Two sites on Linux 7.2, which fills a pipe from two places in turns.
    let first: Vec<_> = sites
        .iter()
        .take_while(|it| it.unfreed_pages >= 4000)
        .collect();
    let pages: u64 = first.iter().map(|site| site.unfreed_pages).sum();
    assert_eq!(pages, 8000, "{first:#?}");
    let address = |site: &&Site| site.owner.starts_with("0xff");
    assert!(first.iter().all(address), "{first:#?}");
    assert!(
        first.iter().all(|it| it.kinds.keys().eq(["unverified"])),
        "{first:#?}"
    );
    assert!(outputs.report.losses.unnamed_pages >= 8000);
    let named = |site: &Site| site.frames.iter().any(|it| it.symbol.is_some());
    assert!(!sites.iter().any(named));
    assert_eq!(check(degraded).status.code(), Some(0));
}

#[test]
fn without_names_owners_are_told_apart() {
    let Some(_machine) = root_or_skip("without_names_owners_are_told_apart") else {
        return;
    };
    let hidden = "0000000000000000 T _stext\n0000000000000000 T do_one_initcall\n";
    for hook in ["raw", "tracefs"] {
        let args = [&OPEN_END[..], &["--hook", hook]].concat();
        let trace = Tracing::start(&args, |pagetrace| {
            pagetrace.seeing("/proc/kallsyms", hidden).spawn()
        });
        let _ring = Leaker::start(LEAK, &["packet-ring", "--blocks", "64", "--order", "4"]);
        let _pipes = Leaker::start(LEAK, &["pipes", "--count", "100", "--pages", "16"]);
        let report = trace.end().report;
        let owner = |order, pages| {
            let of_leak = |site: &Site| site.orders.get(&order).is_some_and(|it| *it >= pages);
            let sites = report.sites_where(of_leak);
            sites.first().map(|site| site.owner.clone())
        };
        let [ring, pipes] = [owner(4, 1024), owner(0, 800)];
        assert!(
            ring.is_some() && pipes.is_some(),
            "{hook}: {:#?}",
            report.sites
        );
        assert_ne!(ring, pipes, "{hook}: {:#?}", report.sites);
        // No stack begins with the tracer's program, which lies where modules do.
        let begins_in_kernel = |site: &Site| {
            let first = site.frames.first();
            first.is_none_or(|it| it.address.as_str() < "0xffffffffc0000000")
        };
        assert!(
            report.sites.iter().all(begins_in_kernel),
            "{hook}: {:#?}",
            report.sites
        );
    }
}
