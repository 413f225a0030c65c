//! Says how many instructions the verifier of the running kernel went through for
//! each program of BPF objects, or why it refused one.
//!
//! ```text
//! $ PAGETRACE=target/debug/pagetrace verifier tracer/bpf/*.bpf.o
//! page_alloc: 2431
//! page_alloc_tracefs: 2544
//! ```

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Write as _, stdout},
};

use anyhow::{Context as _, Result, ensure};
use aya::{
    EbpfLoader,
    programs::{Program, ProgramError, ProgramInfo, loaded_programs},
};
use pagetrace::bpf::{Features, with_function};
use pagetrace_tests::{
    bpf_syscall::lift_memlock_limit,
    harness::{KernelObjects, OPEN_END, Pagetrace, root_or_skip},
};
use tracer_ebpf::programs::{
    BULK_ENTRY, BULK_EXIT, PAGE_ALLOC, PAGE_ALLOC_TRACEFS, PAGE_FREE, PAGE_FREE_TRACEFS,
    PROBE_STACK,
};

/// By the names that the kernel keeps, which are 15 bytes long at most.
type Counts = BTreeMap<String, String>;

fn main() -> Result<()> {
    let paths: Vec<_> = env::args().skip(1).collect();
    ensure!(!paths.is_empty(), "usage: verifier OBJECT...");
    let Some(_machine) = root_or_skip("verifier") else {
        return Ok(());
    };
    lift_memlock_limit();
    let stack_reader = Features::probe()?.stack_reader.ok();
    // What the verifier goes through depends on the values that pagetrace sets, so the
    // programs that it traces with are those of a running one.
    let running = [of_running("raw"), of_running("tracefs")];
    for path in paths {
        let object = fs::read(&path).with_context(|| format!("cannot read {path}"))?;
        // A kernel without the function for it knows no call that could be in its place.
        let object = with_function(&object, stack_reader.unwrap_or_default())?;
        let mut ebpf = EbpfLoader::new().btf(None).load(&object)?;
        for (name, program) in ebpf.programs_mut() {
            let verdict = verdict(name, program, &running, stack_reader);
            writeln!(stdout(), "{name}: {verdict}")?;
        }
    }
    Ok(())
}

fn verdict(
    name: &str,
    program: &mut Program,
    [raw, tracefs]: &[Result<Counts, String>; 2],
    stack_reader: Option<u32>,
) -> String {
    match name {
        PAGE_ALLOC | PAGE_FREE => of(raw, name),
        PAGE_ALLOC_TRACEFS | PAGE_FREE_TRACEFS => of(tracefs, name),
        BULK_ENTRY | BULK_EXIT => bulk(raw, name),
        PROBE_STACK if stack_reader.is_none() => "not in use: see stack reading".to_owned(),
        _ => alone(program),
    }
}

/// The programs that pagetrace traces with, or why it cannot.
fn of_running(hook: &str) -> Result<Counts, String> {
    let before = KernelObjects::now();
    let mut pagetrace = Pagetrace::new(&[&OPEN_END[..], &["-v", "--hook", hook]].concat()).spawn();
    if !pagetrace.attaches() {
        let said = pagetrace.finish().stderr;
        let last = said.lines().rfind(|line| line.starts_with("pagetrace: "));
        return Err(last.unwrap_or("pagetrace said nothing").to_owned());
    }
    let programs = loaded_programs().flatten();
    let new = programs.filter(|program| !before.programs.contains(&program.id()));
    Ok(new
        .map(|program| (name(&program), count(&program)))
        .collect())
}

fn of(running: &Result<Counts, String>, name: &str) -> String {
    match running {
        Ok(counts) => counts.get(kept(name)).cloned(),
        Err(reason) => Some(format!("refused: {reason}")),
    }
    .unwrap_or_else(|| "not loaded".to_owned())
}

/// Programs that are not loaded where the bulk allocator cannot be traced.
fn bulk(running: &Result<Counts, String>, name: &str) -> String {
    let counts = running.as_ref().ok();
    let count = counts.and_then(|counts| counts.get(kept(name)));
    count.map_or_else(
        || "not in use: see bulk allocations".to_owned(),
        Clone::clone,
    )
}

/// A program that asks the kernel something, before or after the trace.
fn alone(program: &mut Program) -> String {
    load(program).map_or_else(|error| refusal(&error), |info| count(&info))
}

fn load(program: &mut Program) -> Result<ProgramInfo, ProgramError> {
    match program {
        Program::RawTracePoint(program) => program.load()?,
        _ => return Err(ProgramError::UnexpectedProgramType),
    }
    program.info()
}

fn name(program: &ProgramInfo) -> String {
    program.name_as_str().unwrap_or_default().to_owned()
}

fn kept(name: &str) -> &str {
    const LENGTH: usize = 15;
    name.get(..LENGTH).unwrap_or(name)
}

fn count(program: &ProgramInfo) -> String {
    let count = program.verified_instruction_count();
    count.map_or_else(|| "not told".to_owned(), |count| count.to_string())
}

/// The last thing that the verifier said before its statistics.
fn refusal(error: &ProgramError) -> String {
    let ProgramError::LoadError {
        io_error,
        verifier_log,
    } = error
    else {
        return format!("not loaded: {error}");
    };
    let log = verifier_log.to_string();
    let mut lines = log.lines().rev();
    let last = lines.find(|line| !line.starts_with("processed "));
    let last = last.unwrap_or("the verifier said nothing");
    format!("refused: {last} ({io_error})")
}
