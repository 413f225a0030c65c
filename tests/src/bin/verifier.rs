//! Says how many instructions the verifier of the running kernel went through for
//! each program of BPF objects, or why it refused one.
//!
//! ```text
//! $ PAGETRACE=target/debug/pagetrace verifier tracer/bpf/*.bpf.o
//! own_process: 3
//! page_alloc: 81695
//! ```

use std::{
    collections::BTreeMap,
    env,
    io::{Write as _, stdout},
};

use anyhow::{Context as _, Result, ensure};
use aya::{
    Ebpf,
    programs::{Program, ProgramError, ProgramInfo, loaded_programs},
};
use pagetrace_tests::harness::{KernelObjects, OPEN_END, Pagetrace, root_or_skip};
use rustix::process::{Resource, Rlimit, setrlimit};
use tracer_ebpf::programs;

/// By the names that the kernel keeps, which are 15 bytes long at most.
type Counts = BTreeMap<String, String>;

fn main() -> Result<()> {
    let paths: Vec<_> = env::args().skip(1).collect();
    ensure!(!paths.is_empty(), "usage: verifier OBJECT...");
    let Some(_machine) = root_or_skip("verifier") else {
        return Ok(());
    };
    lift_memlock_limit();
    // What the verifier goes through depends on the constants that pagetrace sets, so the
    // programs of a running one are asked first.
    let mut counts = Counts::new();
    for hook in ["raw", "tracefs"] {
        counts.extend(of_running(hook));
    }
    for path in paths {
        let mut object = Ebpf::load_file(&path).with_context(|| format!("cannot load {path}"))?;
        for (name, program) in object.programs_mut() {
            let count = counts.remove(kept(name));
            let count = count.unwrap_or_else(|| alone(name, program));
            writeln!(stdout(), "{name}: {count}")?;
        }
    }
    Ok(())
}

/// Before 5.11 the memory of programs and maps counted as locked.
fn lift_memlock_limit() {
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    // Later kernels need no such right, and containers often lack it.
    let _ = setrlimit(Resource::Memlock, unlimited);
}

/// The programs that pagetrace traces with; none if it cannot.
fn of_running(hook: &str) -> Counts {
    let before = KernelObjects::now();
    let mut pagetrace = Pagetrace::new(&[&OPEN_END[..], &["-v", "--hook", hook]].concat()).spawn();
    if !pagetrace.attaches() {
        return Counts::new();
    }
    let programs = loaded_programs().flatten();
    let new = programs.filter(|program| !before.programs.contains(&program.id()));
    new.map(|program| (name(&program), count(&program)))
        .collect()
}

/// A program that pagetrace does not trace with, or that the kernel refuses.
fn alone(name: &str, program: &mut Program) -> String {
    // It calls a function that pagetrace looks for.
    if name == programs::PROBE_STACK {
        return "not in use: see stack reading".to_owned();
    }
    // It needs a function to sit on, which pagetrace looks for.
    if matches!(program, Program::FEntry(_) | Program::FExit(_)) {
        return "not in use: see bulk allocations".to_owned();
    }
    load(program).map_or_else(|error| refusal(&error), |info| count(&info))
}

fn load(program: &mut Program) -> Result<ProgramInfo, ProgramError> {
    match program {
        Program::RawTracePoint(program) => program.load()?,
        Program::TracePoint(program) => program.load()?,
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
