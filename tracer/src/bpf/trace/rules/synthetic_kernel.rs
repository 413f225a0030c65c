//! A synthetic kernel, whose stacks are full of stale words.

use fastrand::Rng;
use tracer_ebpf::unwind::{STACK_SIZE, WORD, registers};

use super::sample::StackSample;
use crate::kernel::kallsyms::InterruptEntries;

/// Bytes of the registers that an entry saves.
const REGISTERS: u64 = 168;
/// Where the stack lies.
pub(super) const BASE: u64 = 0xffff_c900_0012_0000;
pub(super) const USER: u64 = 0x33;
pub(super) const KERNEL: u64 = 0x10;

// Return addresses. Those of ordinary functions are `FUNCTION` and above.
const PROGRAM: u64 = 0xffff_ffff_c000_1000;
const RUNNER: u64 = PROGRAM + 1;
pub(super) const TRACEPOINT: u64 = 0xffff_ffff_8100_0001;
const SYSCALL: u64 = TRACEPOINT + 1;
const SYSCALL_ENTRY: u64 = TRACEPOINT + 2;
const FAULT_ENTRY: u64 = TRACEPOINT + 3;
pub(super) const THREAD: u64 = TRACEPOINT + 4;
pub(super) const INTERRUPT: u64 = TRACEPOINT + 5;
const COPY: u64 = TRACEPOINT + 6;
pub(super) const FUNCTION: u64 = TRACEPOINT + 100;

/// How far above the context, in the runner's frame, the first return address lies.
pub(super) const FIRST: u64 = 64;

/// Functions may call those of the layers below, in this many ways each.
const LAYERS: u64 = 6;
const WIDTH: u64 = 12;

/// Makes stacks from the outermost frame on.
pub(super) struct Kernel {
    rng: Rng,
    /// The whole stack, lowest address first.
    words: Vec<u64>,
    /// Return addresses, outermost first.
    frames: Vec<u64>,
    /// How far above the start of the stack the last return address lies, in bytes.
    place: u64,
}

impl Kernel {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            words: vec![0; (STACK_SIZE / WORD) as usize],
            frames: Vec::new(),
            place: 0,
        }
    }

    /// A random stack. What was on it before stays where nobody writes.
    pub(super) fn stack(&mut self) -> StackSample {
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
        self.leave_stale_words(size);
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
    fn leave_stale_words(&mut self, size: u64) {
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

pub(super) fn aligns_stack(ip: u64) -> bool {
    ip >= FUNCTION && ip.is_multiple_of(5)
}

fn frame_size(ip: u64) -> u64 {
    WORD + ip % 1000 * 7 % 40 * WORD
}

pub(super) fn entries() -> InterruptEntries {
    InterruptEntries {
        irq: [INTERRUPT..INTERRUPT + 1, 0..0, 0..0],
        softirq: 0..0,
    }
}

/// The frames that make a call site, as the kernel's unwinder reports them.
pub(super) fn site_frames(sample: &StackSample) -> Vec<u64> {
    let own = sample.frames.iter().skip(2);
    let end = own.clone().position(|&ip| ip == INTERRUPT);
    own.take(end.map_or(usize::MAX, |end| end + 1))
        .copied()
        .collect()
}

/// The stack of a kernel thread with these functions on it, and nothing stale.
pub(super) fn thread(calls: &[(u64, u64)]) -> StackSample {
    let mut kernel = Kernel::new(7);
    kernel.place = STACK_SIZE;
    kernel.enter(THREAD, 0, 0, 0);
    let tracer = [(TRACEPOINT, 96), (RUNNER, 72), (PROGRAM, 40)];
    for &(ip, size) in calls.iter().chain(&tracer) {
        kernel.put(ip, size);
    }
    kernel.sample()
}
