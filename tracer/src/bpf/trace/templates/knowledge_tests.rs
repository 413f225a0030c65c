//! Knowledge of an imaginary kernel, whose stacks are full of stale words.

use std::collections::HashSet;

use fastrand::Rng;
use tracer_ebpf::{code, registers};

use super::*;

/// Bytes of the registers that an entry saves.
const REGISTERS: u64 = 168;
/// Where the stack lies.
const BASE: u64 = 0xffff_c900_0012_0000;
const USER: u64 = 0x33;
const KERNEL: u64 = 0x10;

// Return addresses. Those of ordinary functions are `FUNCTION` and above.
const PROGRAM: u64 = 0xffff_ffff_c000_1000;
const RUNNER: u64 = PROGRAM + 1;
const TRACEPOINT: u64 = 0xffff_ffff_8100_0001;
const SYSCALL: u64 = TRACEPOINT + 1;
const SYSCALL_ENTRY: u64 = TRACEPOINT + 2;
const FAULT_ENTRY: u64 = TRACEPOINT + 3;
const THREAD: u64 = TRACEPOINT + 4;
const INTERRUPT: u64 = TRACEPOINT + 5;
const COPY: u64 = TRACEPOINT + 6;
const FUNCTION: u64 = TRACEPOINT + 100;

/// How far above the context, in the runner's frame, the first return address lies.
const FIRST: u64 = 64;

/// Functions may call those of the layers below, in this many ways each.
const LAYERS: u64 = 6;
const WIDTH: u64 = 12;

/// Makes stacks from the outermost frame on.
struct Kernel {
    rng: Rng,
    /// The whole stack, lowest address first.
    words: Vec<u64>,
    /// Return addresses, outermost first.
    frames: Vec<u64>,
    /// Bytes from the beginning of the stack to the last return address.
    place: u64,
}

impl Kernel {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            words: vec![0; (STACK_SIZE / WORD) as usize],
            frames: Vec::new(),
            place: 0,
        }
    }

    /// One stack. What was on it before stays where nobody writes.
    fn stack(&mut self) -> StackSample {
        self.frames.clear();
        self.place = STACK_SIZE;
        match self.rng.u32(0..10) {
            0 => self.enter(THREAD, 0, 0, 0),
            1 => self.user_fault(),
            2 => {
                self.syscall();
                self.enter(INTERRUPT, KERNEL, 7, 7);
            }
            3 => {
                self.syscall();
                self.functions();
                self.kernel_fault();
            }
            _ => self.syscall(),
        }
        self.functions();
        for (ip, size) in [(TRACEPOINT, 96), (RUNNER, 72), (PROGRAM, 40)] {
            self.call(ip, size);
        }
        self.sample()
    }

    /// As the kernel unwinds it: from the context in the runner's frame on.
    fn sample(&self) -> StackSample {
        let context = self.place_of_first() - FIRST;
        StackSample {
            frames: self.frames.iter().rev().copied().collect(),
            context: BASE + context,
            words: self.words[(context / WORD) as usize..].to_vec(),
        }
    }

    /// The tracepoint's return address lies above the frames of runner and program.
    fn place_of_first(&self) -> u64 {
        self.place + 40 + 72
    }

    fn syscall(&mut self) {
        self.enter(SYSCALL_ENTRY, USER, 0, 0);
        // The kernel moves each system call's stack at random.
        let moved = 16 * self.rng.u64(0..64);
        self.call(SYSCALL, 48 + moved);
    }

    fn user_fault(&mut self) {
        self.enter(FAULT_ENTRY, USER, 0, 0);
    }

    /// A fault while copying; the processor aligns the stack before it saves registers.
    fn kernel_fault(&mut self) {
        let sp = self.place - frame_size(COPY) + WORD;
        self.frames.push(COPY);
        self.place = sp / 16 * 16;
        self.enter(FAULT_ENTRY, KERNEL, COPY, BASE + sp);
    }

    fn functions(&mut self) {
        for layer in 0..LAYERS {
            if self.rng.u32(0..4) > 0 {
                let ip = FUNCTION + layer * WIDTH + self.rng.u64(0..WIDTH);
                self.call(ip, frame_size(ip));
            }
        }
    }

    /// Saves registers and calls, as the assembly at an entry does.
    fn enter(&mut self, ip: u64, segment: u64, interrupted: u64, sp: u64) {
        self.place -= REGISTERS;
        for (offset, value) in [
            (registers::CS, segment),
            (registers::IP, interrupted),
            (registers::SP, sp),
        ] {
            self.words[((self.place + offset) / WORD) as usize] = value;
        }
        self.call(ip, WORD);
    }

    /// Puts a return address below the last one, into a frame of that size or, if
    /// the function that calls aligns its stack, of a word more.
    fn call(&mut self, ip: u64, size: u64) {
        self.scribble(size);
        self.put(ip, size);
    }

    /// The same for a frame with nothing stale on it.
    fn put(&mut self, ip: u64, size: u64) {
        let saved = self.place - WORD;
        self.place -= size;
        if aligns_stack(ip) {
            self.words[(saved / WORD) as usize] = BASE + self.place;
            self.place -= self.place % 16;
        }
        self.words[(self.place / WORD) as usize] = ip;
        self.frames.push(ip);
    }

    /// Leaves something on the new frame that looks like a return address.
    fn scribble(&mut self, size: u64) {
        let count = self.rng.u64(0..=size / 64);
        for _ in 0..count {
            let at = self.place - WORD - WORD * self.rng.u64(0..size / WORD);
            let stale = self.rng.choice([
                SYSCALL,
                SYSCALL_ENTRY,
                COPY,
                FUNCTION + self.rng.clone().u64(0..WIDTH * LAYERS),
            ]);
            self.words[(at / WORD) as usize] = stale.unwrap_or(0);
        }
    }
}

fn aligns_stack(ip: u64) -> bool {
    ip >= FUNCTION && ip.is_multiple_of(5)
}

fn frame_size(ip: u64) -> u64 {
    WORD + ip % 1000 * 7 % 40 * WORD
}

fn entries() -> InterruptEntries {
    InterruptEntries {
        irq: INTERRUPT..INTERRUPT + 1,
        softirq: 0..0,
    }
}

/// What a program finds by the templates (tracer-ebpf/src/unwind.rs); none if it does not come to an end.
fn unwound(knowledge: &Knowledge, sample: &StackSample) -> Option<Vec<u64>> {
    let first = knowledge.first_return();
    let mut at = u64::from(first.distance);
    let mut frames = vec![sample.word(at).filter(|_| at > 0)?];
    for _ in 0..40 {
        let ip = *frames.last()?;
        let template = knowledge.template(ip)?;
        match template.kind {
            Template::FRAME => {
                let start = at;
                for i in 0..usize::from(template.run) {
                    at = start + u64::from(template.at[i]);
                    frames.push(sample.word(at)?);
                    if frames.last() != Some(&template.next[i]) {
                        break;
                    }
                }
            }
            Template::REALIGNED => {
                at += u64::from(template.at[0]);
                at += (1 - code(sample.word(at)?)) * WORD;
                frames.push(sample.word(at)?);
            }
            Template::ANCHORED => {
                at = u64::from(template.at[0]).wrapping_sub(sample.context) % STACK_SIZE;
                frames.push(sample.word(at)?);
            }
            Template::REGISTERS if sample.is_user_above(at) => return Some(frames),
            Template::REGISTERS => {
                let register = |offset| sample.word(at + WORD + offset);
                frames.push(register(registers::IP)?);
                at = register(registers::SP)?.wrapping_sub(sample.context + WORD);
            }
            Template::END => return Some(frames),
            _ => return None,
        }
    }
    None
}

/// The frames that make a site.
fn own(sample: &StackSample) -> Vec<u64> {
    let own = sample.frames.iter().skip(2);
    let end = own.clone().position(|&ip| ip == INTERRUPT);
    own.take(end.map_or(usize::MAX, |end| end + 1))
        .copied()
        .collect()
}

/// Learns as a trace does, of each stack that is not found; gives how many of
/// the stacks after the first `start` were found.
fn found(seed: u64, start: usize, stacks: usize) -> usize {
    let mut kernel = Kernel::new(seed);
    let mut knowledge = Knowledge::new(entries());
    let (mut known, mut found) = (HashSet::new(), 0);
    for number in 0..start + stacks {
        let sample = kernel.stack();
        let truth = own(&sample);
        let unwound = unwound(&knowledge, &sample);
        // The programs believe only what the kernel unwound before.
        let believed = unwound.clone().filter(|frames| known.contains(frames));
        assert!(
            believed.is_none_or(|frames| frames == truth),
            "stack {number} of seed {seed} is taken for another"
        );
        if unwound.as_ref() == Some(&truth) {
            found += usize::from(number >= start);
        } else {
            knowledge.learn(&sample);
        }
        known.insert(truth);
    }
    found
}

#[test]
fn stacks_are_found_among_stale_words() {
    for seed in 0..20 {
        let found = found(seed, 1000, 1000);
        assert!(found >= 990, "{found} of 1000 stacks, seed {seed}");
    }
}

/// The stack of a kernel thread with these functions on it, and nothing stale.
fn thread(calls: &[(u64, u64)]) -> StackSample {
    let mut kernel = Kernel::new(7);
    kernel.place = STACK_SIZE;
    kernel.enter(THREAD, 0, 0, 0);
    let tracer = [(TRACEPOINT, 96), (RUNNER, 72), (PROGRAM, 40)];
    for &(ip, size) in calls.iter().chain(&tracer) {
        kernel.put(ip, size);
    }
    kernel.sample()
}

#[test]
fn a_function_that_aligns_its_stack_has_two_places_for_its_caller() {
    let aligned = (FUNCTION..)
        .find(|&ip| aligns_stack(ip))
        .expect("one of five");
    let stacks = [64, 72].map(|size| thread(&[(FUNCTION + WIDTH, size), (aligned, 48)]));
    let mut knowledge = Knowledge::new(entries());
    for stack in &stacks {
        knowledge.learn(stack);
    }
    let template = knowledge.template(aligned).expect("it was learned");
    assert_eq!((template.kind, template.at[0]), (Template::REALIGNED, 48));
    for stack in &stacks {
        assert_eq!(unwound(&knowledge, stack), Some(own(stack)));
    }
}

#[test]
fn one_stack_is_enough_to_find_it_again() {
    let sample = thread(&[(FUNCTION, 64), (FUNCTION + 1, 8)]);
    let mut knowledge = Knowledge::new(entries());
    assert_eq!(unwound(&knowledge, &sample), None);
    let lesson = knowledge.learn(&sample);
    assert_eq!(lesson.ips, own(&sample));
    assert_eq!(unwound(&knowledge, &sample), Some(own(&sample)));
    let first = FirstReturn {
        distance: FIRST as u32,
        frames_below: 2,
    };
    assert_eq!(knowledge.first_return(), first);
    // Nothing is known yet that differs, so the outermost one is as good as any.
    assert_eq!(knowledge.parting(), FIRST as u32 + 96 + 8 + 64);
    // All in one step: the return addresses that follow are told beforehand.
    let template = knowledge.template(TRACEPOINT).expect("it was learned");
    assert_eq!(template.next[..3], [FUNCTION + 1, FUNCTION, THREAD]);
    assert_eq!(template.run, 3);
}

#[test]
fn a_sample_that_makes_no_sense_does_no_harm() {
    let mut knowledge = Knowledge::new(entries());
    knowledge.learn(&StackSample::default());
    let lost = StackSample {
        frames: vec![1, 2, 3, 4, 5],
        context: u64::MAX - 7,
        words: vec![u64::MAX; 3],
    };
    knowledge.learn(&lost);
    assert_eq!(unwound(&knowledge, &lost), None);
}

#[test]
fn nothing_on_a_stack_makes_it_fail() {
    let mut rng = Rng::with_seed(3);
    let mut knowledge = Knowledge::new(entries());
    // Few values, so that they are taken for return addresses and registers.
    let values = [
        0,
        1,
        8,
        KERNEL,
        USER,
        BASE,
        BASE + 64,
        u64::MAX,
        u64::MAX - 7,
        INTERRUPT,
    ];
    for _ in 0..500 {
        let mut words = |len| {
            (0..len)
                .map(|_| rng.choice(values).unwrap_or(0))
                .collect::<Vec<_>>()
        };
        let (frames, words) = (words(12), words(80));
        let context = rng.choice([0, BASE, u64::MAX - 15]).unwrap_or(0);
        let sample = StackSample {
            frames,
            context,
            words,
        };
        knowledge.learn(&sample);
        unwound(&knowledge, &sample);
    }
}
