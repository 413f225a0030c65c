//! A stack as people read it: without the tracer's own frames, and without
//! those of whoever an interrupt came on top of.

use super::owner;
use crate::{
    kernel::interrupts::{self, Context},
    symbols::Frame,
};

/// The frames of one stack, innermost first, inlined functions in their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// The frames below the tracer's own.
    pub(super) frames: Vec<Frame>,
    /// Index into `frames` of the function that asked for the pages.
    pub(super) owner: Option<usize>,
    /// Who took the pages.
    pub(super) context: Context,
}

/// The context that a stack was in, and how many of its frames, innermost
/// first, are its own: down to the entry of the innermost interrupt.
pub(super) fn context<'a>(frames: impl Iterator<Item = &'a [Frame]>) -> (Context, usize) {
    let mut own = 0;
    for functions in frames {
        own += 1;
        let mut names = functions.iter().filter_map(|it| it.symbol.as_deref());
        if let Some(context) = names.find_map(interrupts::entered_by) {
            return (context, own);
        }
    }
    (Context::Task, own)
}

impl Trace {
    /// Cuts off what the tracer itself put on the stack, and finds the owner.
    pub(super) fn new(frames: Vec<Frame>) -> Self {
        let own = tracer_frames(&frames);
        let mut frames: Vec<_> = frames.into_iter().skip(own).collect();
        // Linux 5.10 repeats the innermost frame of a classic tracepoint.
        if frames.len() > 1 && frames[0] == frames[1] {
            frames.remove(0);
        }
        Self {
            owner: owner::index(&frames),
            context: context(frames.iter().map(std::slice::from_ref)).0,
            frames,
        }
    }

    /// The frame of the function that asked for the pages.
    pub(super) fn owner_frame(&self) -> Option<&Frame> {
        self.frames.get(self.owner?)
    }
}

/// How many of the innermost frames are the BPF program and the kernel's way
/// into it: everything up to the last function of that kind near the top, and
/// programs and trampolines without a name above the kernel's first function.
fn tracer_frames(frames: &[Frame]) -> usize {
    const DEEPEST: usize = 12;
    let near = &frames[..frames.len().min(DEEPEST)];
    let named = near.iter().rposition(enters_bpf).map_or(0, |last| last + 1);
    let unnamed = near.iter().position(|frame| frame.symbol.is_some());
    named.max(unnamed.unwrap_or(0))
}

/// Whether the frame belongs to a BPF program or to the code that calls it
/// (kernel/trace/bpf_trace.c, include/trace/bpf_probe.h, include/trace/perf.h).
fn enters_bpf(frame: &Frame) -> bool {
    const ENTRIES: [&str; 7] = [
        "bpf_prog_",
        "bpf_trace_run",
        "__bpf_trace_",
        "bpf_trampoline_",
        "__traceiter_",
        "perf_trace_",
        "trace_call_bpf",
    ];
    let symbol = frame.symbol.as_deref().unwrap_or_default();
    ENTRIES.iter().any(|entry| symbol.starts_with(entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::Frame;

    fn trace(names: &[&str]) -> Trace {
        Trace::new(names.iter().map(|name| Frame::named(name)).collect())
    }

    fn names(trace: &Trace) -> Vec<&str> {
        trace
            .frames
            .iter()
            .filter_map(|frame| frame.symbol.as_deref())
            .collect()
    }

    #[test]
    fn raw_tracepoint_frames_are_cut() {
        let trace = trace(&[
            "bpf_prog_6deef7357e7b4530_page_alloc",
            "bpf_trace_run4",
            "__alloc_frozen_pages_noprof",
            "anon_pipe_write",
        ]);
        assert_eq!(
            names(&trace),
            ["__alloc_frozen_pages_noprof", "anon_pipe_write"]
        );
    }

    #[test]
    fn an_unnamed_program_goes_with_its_entry() {
        let mut frames = vec![Frame::unnamed(0xffff_ffff_c012_0000)];
        frames.extend(["bpf_trace_run4", "__alloc_pages"].map(Frame::named));
        assert_eq!(names(&Trace::new(frames)), ["__alloc_pages"]);
    }

    #[test]
    fn an_unnamed_trampoline_is_cut() {
        let mut frames = vec![Frame::unnamed(0xffff_ffff_c012_0000); 2];
        frames.extend(["__alloc_pages_bulk", "n_tty_open"].map(Frame::named));
        assert_eq!(
            names(&Trace::new(frames)),
            ["__alloc_pages_bulk", "n_tty_open"]
        );
    }

    #[test]
    fn classic_tracepoint_frames_are_cut() {
        let trace = trace(&[
            "bpf_prog_1_page_alloc_classic",
            "trace_call_bpf",
            "perf_trace_run_bpf_submit",
            "perf_trace_mm_page_alloc",
            "__alloc_pages",
            "do_thing",
        ]);
        assert_eq!(names(&trace), ["__alloc_pages", "do_thing"]);
    }

    #[test]
    fn a_repeated_innermost_frame_is_one() {
        let trace = trace(&[
            "perf_trace_mm_page_alloc",
            "__alloc_pages_nodemask",
            "__alloc_pages_nodemask",
            "pipe_write",
        ]);
        assert_eq!(names(&trace), ["__alloc_pages_nodemask", "pipe_write"]);
    }

    #[test]
    fn the_innermost_interrupt_parts_a_stack() {
        let named = |names: &[&str]| names.iter().map(|it| Frame::named(it)).collect::<Vec<_>>();
        let frames = named(&[
            "alloc_pages",
            "rx_fill",
            "handle_softirqs",
            "asm_sysvec_apic_timer_interrupt",
            "do_work",
        ]);
        let parted = |frames: &[Frame]| context(frames.iter().map(std::slice::from_ref));
        assert_eq!(parted(&frames), (Context::Softirq, 3));
        assert_eq!(parted(&frames[3..]), (Context::Irq, 1));
        assert_eq!(parted(&frames[4..]), (Context::Task, 1));
    }

    #[test]
    fn without_names_every_address_stays() {
        let frames = vec![Frame::unnamed(1), Frame::unnamed(2)];
        assert_eq!(Trace::new(frames).frames.len(), 2);
    }
}
