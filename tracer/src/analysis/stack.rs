//! A stack as people read it: without the tracer's own frames, and without
//! those of whoever an interrupt came on top of.

use super::owner::{self, Role, Way};
use crate::model::{
    Frame, TracerFrames,
    context::{self, Context},
};

/// A frame, and what the name of its function tells. Found out once, as there
/// are many more stacks than functions.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) frame: Frame,
    /// Its place among all functions.
    index: u32,
    role: Role,
    calls_bpf: bool,
    /// The context that begins with it.
    begins: Option<Context>,
}

impl Function {
    pub(super) fn new(index: u32, frame: Frame) -> Self {
        let symbol = frame.symbol.as_deref();
        Self {
            index,
            role: Role::of(&frame),
            calls_bpf: symbol.is_some_and(calls_bpf),
            begins: symbol.and_then(context::entered_by),
            frame,
        }
    }

    /// Whether it is where an interrupt entered the kernel.
    pub(super) fn is_entry(&self) -> bool {
        self.begins.is_some()
    }

    pub(super) fn is_named(&self) -> bool {
        self.frame.symbol.is_some()
    }
}

/// The frames of one stack, innermost first, inlined functions in their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// The functions, by their places among all.
    pub(super) frames: Vec<u32>,
    /// The one of them that asked for the pages.
    pub(super) owner: Option<u32>,
    /// Who took the pages.
    pub(super) context: Context,
}

/// How many addresses of a stack, innermost first, are its own: down to the
/// entry of the innermost interrupt.
pub(super) fn own<'a>(mut stack: impl ExactSizeIterator<Item = &'a [Function]>) -> usize {
    let len = stack.len();
    let entry = stack.position(|functions| functions.iter().any(Function::is_entry));
    entry.map_or(len, |entry| entry + 1)
}

impl Trace {
    /// Finds the owner of a stack without the tracer's own frames: by its names, or, where
    /// there are none, as `unnamed_owner` says.
    pub(super) fn new(functions: &[&Function], unnamed_owner: Option<usize>) -> Self {
        let roles: Vec<_> = functions.iter().map(|it| it.role).collect();
        let is_unnamed = !functions.is_empty() && !functions.iter().any(|it| it.is_named());
        let owner = unnamed_owner.filter(|_| is_unnamed);
        Self {
            owner: owner
                .or_else(|| owner::index(&roles))
                .map(|owner| functions[owner].index),
            context: functions
                .iter()
                .find_map(|it| it.begins)
                .unwrap_or_default(),
            frames: frames(functions),
        }
    }
}

/// What the way that the pages were taken tells of them, by their stack without the
/// tracer's own frames.
pub(super) fn way(functions: &[&Function], is_by_tracer: bool) -> Option<Way> {
    if functions.is_empty() {
        return None;
    }
    if !functions.iter().any(|it| it.is_named()) {
        return Some(Way::Unnamed);
    }
    let roles: Vec<_> = functions.iter().map(|it| it.role).collect();
    let is_tracers = is_by_tracer && owner::is_bpf_syscall(&roles);
    owner::way(&roles).or(is_tracers.then_some(Way::Tracer))
}

/// The functions of a stack, by their places among all.
pub(super) fn frames(functions: &[&Function]) -> Vec<u32> {
    functions.iter().map(|it| it.index).collect()
}

/// How many of the innermost addresses of a stack are the tracer's program and the kernel's
/// way into it. `at` gives the functions at an address.
///
/// A program's own frames are known by where they lie, not by their names: other programs
/// that take pages have names like theirs.
pub(super) fn tracer_frames<'a>(
    stack: &[u64],
    tracer: &TracerFrames,
    at: impl Fn(u64) -> &'a [Function],
) -> usize {
    let function = |address| at(address).last();
    let is_named = |&address: &u64| function(address).is_some_and(Function::is_named);
    let are_hidden = !stack.iter().any(is_named);
    let calls_program = |address| match function(address) {
        Some(function) if function.is_named() => function.calls_bpf,
        // A trampoline, if other functions have names.
        _ => tracer.begin_stacks && !are_hidden,
    };
    let mut cut = usize::from(tracer.begin_stacks).min(stack.len());
    cut += leading(&stack[cut..], |address| is_in(tracer, address));
    // Whatever it is called: kallsyms has no trampolines, and one that lies behind a module
    // takes the name of the module's last symbol.
    let way = leading(&stack[cut..], calls_program).max(tracer.begin_stacks.into());
    cut = (cut + way).min(stack.len());
    if are_hidden {
        cut = cut.max(tracer.measured).min(stack.len());
    }
    // Linux 5.10 repeats the innermost frame of a tracefs tracepoint.
    let repeated = stack
        .get(cut)
        .is_some_and(|it| stack.get(cut + 1) == Some(it));
    cut + usize::from(repeated)
}

fn leading(stack: &[u64], is_so: impl Fn(u64) -> bool) -> usize {
    stack.iter().take_while(|&&address| is_so(address)).count()
}

/// Whether a return address is in one of the tracer's programs: a call may be the last
/// instruction.
fn is_in(tracer: &TracerFrames, address: u64) -> bool {
    let call = address.wrapping_sub(1);
    tracer.programs.iter().any(|code| code.contains(&call))
}

/// Whether the function is of those by which the kernel calls a program at an event
/// (kernel/trace/bpf_trace.c, include/trace/bpf_probe.h, include/trace/perf.h), or
/// interprets one (kernel/bpf/core.c).
fn calls_bpf(symbol: &str) -> bool {
    const CALLERS: [&str; 8] = [
        "bpf_trace_run",
        "__bpf_trace_",
        "bpf_trampoline_",
        "__traceiter_",
        "perf_trace_",
        "trace_call_bpf",
        "__bpf_prog_run",
        "___bpf_prog_run",
    ];
    CALLERS.iter().any(|caller| symbol.starts_with(caller))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const PROGRAM: &str = "bpf_prog_6deef7357e7b4530_page_alloc";

    /// Where the tracer's program lies, and other programs do not.
    const CODE: std::ops::Range<u64> = 0xffff_ffff_c012_0000..0xffff_ffff_c012_0800;

    fn tracer(begin_stacks: bool) -> TracerFrames {
        TracerFrames {
            programs: vec![CODE],
            begin_stacks,
            measured: 2 * usize::from(begin_stacks),
        }
    }

    fn hidden() -> TracerFrames {
        TracerFrames {
            programs: vec![],
            ..tracer(true)
        }
    }

    /// A stack of functions by their names, `?` standing for one without; those that begin
    /// with `@` are in the tracer's program.
    fn stack(names: &[&str]) -> (Vec<u64>, BTreeMap<u64, Vec<Function>>) {
        let mut addresses = Vec::new();
        let mut functions = BTreeMap::new();
        for (at, name) in (0x10..).step_by(0x10).zip(names) {
            let (start, name) = match name.strip_prefix('@') {
                Some(name) => (CODE.start, name),
                None => (0xffff_ffff_8100_0000, *name),
            };
            let address = start + at;
            let frame = match name {
                "?" => Frame::unnamed(address),
                name => Frame::named(name),
            };
            addresses.push(address);
            functions.insert(address, vec![Function::new(0, frame)]);
        }
        (addresses, functions)
    }

    fn cut<'a>(names: &[&'a str], tracer: &TracerFrames) -> Vec<&'a str> {
        let (addresses, functions) = stack(names);
        let cut = tracer_frames(&addresses, tracer, |it| functions[&it].as_slice());
        names[cut..].to_vec()
    }

    fn trace(names: &[&str]) -> Trace {
        let functions: Vec<_> = names
            .iter()
            .map(|name| Function::new(0, Frame::named(name)))
            .collect();
        Trace::new(&functions.iter().collect::<Vec<_>>(), None)
    }

    #[test]
    fn raw_tracepoint_frames_are_cut() {
        let below = ["__alloc_frozen_pages_noprof", "anon_pipe_write"];
        for above in [
            &["@bpf_prog_1_page_alloc", "bpf_trace_run4"][..],
            &["@?", "bpf_trace_run4", "__traceiter_mm_page_alloc"],
            // A function of the program that calls another.
            &["@?", "@?", "bpf_trace_run4", "__bpf_trace_mm_page_alloc"],
            // Without a just-in-time compiler.
            &["___bpf_prog_run", "__bpf_prog_run64", "bpf_trace_run4"],
        ] {
            assert_eq!(cut(&[above, &below].concat(), &tracer(true)), below);
        }
    }

    #[test]
    fn frames_of_other_programs_stay() {
        let below = [
            "__alloc_frozen_pages_noprof",
            "__vmalloc_node_range_noprof",
            "bpf_prog_alloc_no_stats",
            "bpf_prog_load",
            "__sys_bpf",
        ];
        let raw = [&["@?", "bpf_trace_run4"][..], &below].concat();
        assert_eq!(cut(&raw, &tracer(true)), below);
        assert_eq!(cut(&below, &tracer(false)), below);
        let other = [PROGRAM, "bpf_trace_run2", "__traceiter_sched_switch"];
        let nested = [&raw[..3], &other].concat();
        assert_eq!(cut(&nested, &tracer(true)), nested[2..]);
    }

    #[test]
    fn an_unnamed_trampoline_is_cut() {
        let stack = ["@?", "?", "__alloc_pages_bulk", "n_tty_open"];
        assert_eq!(
            cut(&stack, &tracer(true)),
            ["__alloc_pages_bulk", "n_tty_open"]
        );
    }

    #[test]
    fn a_trampoline_behind_a_module_is_cut() {
        let stack = ["@?", "__this_module", "__alloc_pages_bulk", "n_tty_open"];
        assert_eq!(
            cut(&stack, &tracer(true)),
            ["__alloc_pages_bulk", "n_tty_open"]
        );
    }

    #[test]
    fn tracefs_tracepoint_frames_are_cut() {
        let below = ["__alloc_pages", "do_thing"];
        let stack = [
            &["perf_trace_run_bpf_submit", "perf_trace_mm_page_alloc"],
            &below[..],
        ];
        assert_eq!(cut(&stack.concat(), &tracer(false)), below);
    }

    #[test]
    fn a_repeated_innermost_frame_is_one() {
        let (mut addresses, functions) = stack(&["__alloc_pages_nodemask", "pipe_write"]);
        addresses.insert(0, addresses[0]);
        let at = |address| functions[&address].as_slice();
        assert_eq!(tracer_frames(&addresses, &tracer(false), at), 1);
    }

    #[test]
    fn without_names_frames_are_cut_by_what_was_measured() {
        assert_eq!(cut(&["@?", "?", "?", "?"], &hidden()), ["?", "?"]);
        assert_eq!(cut(&["?", "?"], &tracer(false)), ["?", "?"]);
        assert_eq!(cut(&["@?"], &hidden()), [""; 0]);
        let unmeasured = TracerFrames {
            measured: 0,
            ..hidden()
        };
        assert_eq!(cut(&["@?", "?", "?"], &unmeasured), ["?"]);
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
        let functions = stack.map(|name| Function::new(0, Frame::named(name)));
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
    fn a_stack_without_names_has_the_owner_that_is_given() {
        let functions = [0, 1, 2].map(|at| Function::new(at, Frame::unnamed(at.into())));
        let trace = Trace::new(&functions.each_ref(), Some(1));
        assert_eq!(trace.owner, Some(1));
    }
}
