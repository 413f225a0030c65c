//! A stack as people read it: without the tracer's own frames, and without
//! those of whoever an interrupt came on top of.

use std::sync::Arc;

use super::owner::{self, Role};
use crate::model::{
    Frame, Kind,
    context::{self, Context},
};

/// A frame, and what the name of its function tells. Found out once, as there
/// are many more stacks than functions.
#[derive(Clone, Debug)]
pub(super) struct Function {
    frame: Arc<Frame>,
    role: Role,
    enters_bpf: bool,
    /// The context that begins with it.
    begins: Option<Context>,
}

impl From<Frame> for Function {
    fn from(frame: Frame) -> Self {
        let symbol = frame.symbol.as_deref();
        Self {
            role: Role::of(&frame),
            enters_bpf: symbol.is_some_and(enters_bpf),
            begins: symbol.and_then(context::entered_by),
            frame: Arc::new(frame),
        }
    }
}

/// The frames of one stack, innermost first, inlined functions in their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// The frames below the tracer's own.
    pub(super) frames: Vec<Arc<Frame>>,
    /// Index into `frames` of the function that asked for the pages.
    pub(super) owner: Option<usize>,
    /// The kind of the pages, if the way they were taken tells it.
    pub(super) accounted: Option<Kind>,
    /// Who took the pages.
    pub(super) context: Context,
}

/// How many addresses of a stack, innermost first, are its own: down to the
/// entry of the innermost interrupt.
pub(super) fn own<'a>(mut stack: impl ExactSizeIterator<Item = &'a [Function]>) -> usize {
    let len = stack.len();
    let entry = stack.position(|functions| functions.iter().any(|it| it.begins.is_some()));
    entry.map_or(len, |entry| entry + 1)
}

impl Trace {
    /// Cuts off what the tracer itself put on the stack, and finds the owner.
    pub(super) fn new(functions: &[&Function]) -> Self {
        let functions = below_tracer(functions);
        let roles: Vec<_> = functions.iter().map(|it| it.role).collect();
        Self {
            owner: owner::index(&roles),
            accounted: owner::accounted(&roles),
            context: functions
                .iter()
                .find_map(|it| it.begins)
                .unwrap_or_default(),
            frames: frames(functions),
        }
    }

    /// The frame of the function that asked for the pages.
    pub(super) fn owner_frame(&self) -> Option<&Frame> {
        self.frames.get(self.owner?).map(Arc::as_ref)
    }
}

/// The frames of a stack.
pub(super) fn frames(functions: &[&Function]) -> Vec<Arc<Frame>> {
    functions.iter().map(|it| Arc::clone(&it.frame)).collect()
}

fn below_tracer<'a, 'b>(functions: &'a [&'b Function]) -> &'a [&'b Function] {
    let functions = &functions[tracer_frames(functions)..];
    match functions {
        // Linux 5.10 repeats the innermost frame of a classic tracepoint.
        [first, second, ..] if first.frame == second.frame => &functions[1..],
        _ => functions,
    }
}

/// How many of the innermost frames are the BPF program and the kernel's way
/// into it: everything up to the last function of that kind near the top, and
/// programs and trampolines without a name above the kernel's first function.
fn tracer_frames(functions: &[&Function]) -> usize {
    const DEEPEST: usize = 12;
    let near = &functions[..functions.len().min(DEEPEST)];
    let named = near.iter().rposition(|it| it.enters_bpf);
    let named = named.map_or(0, |last| last + 1);
    let unnamed = near.iter().position(|it| it.frame.symbol.is_some());
    named.max(unnamed.unwrap_or(0))
}

/// Whether the function belongs to a BPF program or to the code that calls it
/// (kernel/trace/bpf_trace.c, include/trace/bpf_probe.h, include/trace/perf.h).
fn enters_bpf(symbol: &str) -> bool {
    const ENTRIES: [&str; 7] = [
        "bpf_prog_",
        "bpf_trace_run",
        "__bpf_trace_",
        "bpf_trampoline_",
        "__traceiter_",
        "perf_trace_",
        "trace_call_bpf",
    ];
    ENTRIES.iter().any(|entry| symbol.starts_with(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(frames: impl IntoIterator<Item = Frame>) -> Vec<Function> {
        frames.into_iter().map(Function::from).collect()
    }

    fn traced(frames: impl IntoIterator<Item = Frame>) -> Trace {
        Trace::new(&functions(frames).iter().collect::<Vec<_>>())
    }

    fn trace(names: &[&str]) -> Trace {
        traced(names.iter().map(|name| Frame::named(name)))
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
        assert_eq!(names(&traced(frames)), ["__alloc_pages"]);
    }

    #[test]
    fn an_unnamed_trampoline_is_cut() {
        let mut frames = vec![Frame::unnamed(0xffff_ffff_c012_0000); 2];
        frames.extend(["__alloc_pages_bulk", "n_tty_open"].map(Frame::named));
        assert_eq!(names(&traced(frames)), ["__alloc_pages_bulk", "n_tty_open"]);
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
        let stack = [
            "alloc_pages",
            "rx_fill",
            "handle_softirqs",
            "asm_sysvec_apic_timer_interrupt",
            "do_work",
        ];
        let functions = functions(stack.map(Frame::named));
        let parted = |from: usize| {
            let own = own(functions[from..].iter().map(std::slice::from_ref));
            let own_names = &stack[from..][..own];
            (trace(own_names).context, own)
        };
        assert_eq!(parted(0), (Context::Softirq, 3));
        assert_eq!(parted(3), (Context::Irq, 1));
        assert_eq!(parted(4), (Context::Task, 1));
    }

    #[test]
    fn without_names_every_address_stays() {
        let frames = vec![Frame::unnamed(1), Frame::unnamed(2)];
        assert_eq!(traced(frames).frames.len(), 2);
    }
}
