//! Rules of a synthetic kernel, followed by the code that the programs follow them with.

use std::collections::HashMap;

use fastrand::Rng;
use memmap2::MmapOptions;
use tracer_ebpf::{
    key::{mix, seed},
    unwind::{Outcome, Resolution, RuleTable, Tag, UnwindCache, UnwindRule, resolve},
};

use super::{
    super::synthetic_kernel::{
        BASE, FIRST, FUNCTION, INTERRUPT, KERNEL, Kernel, THREAD, TRACEPOINT, USER, aligns_stack,
        entries, site_frames, thread,
    },
    *,
};

const ORDER: u32 = 2;
const GFP: u32 = 0xcc0;

/// What the programs do with a stack, and the tables that they do it with.
struct Programs {
    rules: LearnedRules,
    cache: Box<UnwindCache>,
    /// Call sites by their keys.
    sites: HashMap<u64, u32>,
}

impl Programs {
    fn new() -> Self {
        let table = MmapOptions::new().len(size_of::<RuleTable>()).map_anon();
        let table = table.expect("memory").into();
        Self {
            rules: LearnedRules::new(table, entries()),
            cache: Box::new(UnwindCache::EMPTY),
            sites: HashMap::new(),
        }
    }

    /// What cache and rules say of a stack.
    fn resolve(&mut self, stack: &StackSample) -> Resolution {
        let control = self.rules.control();
        let tag = Tag::new(ORDER, GFP, control.generation);
        let discriminator = control.discriminator_offset.into();
        let entry = self.cache.entry(stack, discriminator, tag);
        let known = |key| self.sites.get(&key).copied();
        resolve(
            stack,
            Some(self.rules.table.rules()),
            &control,
            tag,
            entry,
            |key, _| key,
            known,
        )
    }

    /// What the kernel's unwinder is for: gives a stack its site.
    fn intern(&mut self, stack: &StackSample) -> u32 {
        let new = self.sites.len() as u32 + 1;
        *self.sites.entry(key(stack)).or_insert(new)
    }

    /// Does what a trace does with a stack; gives whether the rules led through it.
    fn take(&mut self, stack: &StackSample) -> bool {
        let found = self.resolve(stack);
        let known = self.sites.get(&key(stack)).copied();
        assert!(
            found.site.is_none() || found.site == known,
            "the stack is taken for another: {found:?} {stack:x?}"
        );
        let is_right = found.site.is_some() || leads_through(found, stack);
        if !is_right {
            self.rules.learn(stack);
        }
        self.intern(stack);
        is_right
    }
}

/// The key of the frames that the kernel's unwinder reports.
fn key(stack: &StackSample) -> u64 {
    site_frames(stack).into_iter().fold(seed(ORDER, GFP), mix)
}

/// Whether the rules led to the true key.
fn leads_through(found: Resolution, stack: &StackSample) -> bool {
    found.outcome == Outcome::Complete && found.key == key(stack)
}

#[test]
fn stacks_are_unwound_among_stale_words() {
    for seed in 0..20 {
        let (mut kernel, mut programs) = (Kernel::new(seed), Programs::new());
        let mut take = |count| {
            let stacks = (0..count).map(|_| programs.take(&kernel.stack()));
            stacks.filter(|&is_right| is_right).count()
        };
        take(1000);
        let right = take(1000);
        assert!(right >= 990, "{right} of 1000 stacks, seed {seed}");
    }
}

#[test]
fn one_stack_is_enough_to_unwind_it_again() {
    let stack = thread(&[(FUNCTION, 64), (FUNCTION + 1, 8)]);
    let mut programs = Programs::new();
    assert_eq!(programs.resolve(&stack).outcome, Outcome::NoRule);
    programs.rules.learn(&stack);
    assert!(leads_through(programs.resolve(&stack), &stack));
    let site = programs.intern(&stack);
    // By the rules, and from the cache.
    for _ in 0..2 {
        assert_eq!(programs.resolve(&stack).site, Some(site));
    }
    let control = UnwindControl {
        first_return: FIRST as u32,
        frames_below: 2,
        // All return addresses have followed so far, so the outermost is as good as any.
        discriminator_offset: FIRST as u32 + 96 + 8 + 64,
        generation: 1,
    };
    assert_eq!(programs.rules.control(), control);
}

#[test]
fn what_has_always_followed_is_predicted() {
    let stack = thread(&[(FUNCTION, 64), (FUNCTION + 1, 8)]);
    let mut programs = Programs::new();
    programs.rules.learn(&stack);
    let rule = programs.rules.evidence.rule(TRACEPOINT).expect("a rule");
    assert_eq!(rule.next[..3], [FUNCTION + 1, FUNCTION, THREAD]);
    assert_eq!(rule.run, 3);
}

#[test]
fn a_function_that_aligns_its_stack_has_two_places_for_its_caller() {
    let mut functions = FUNCTION..;
    let aligned = functions.find(|&ip| aligns_stack(ip)).expect("one of five");
    let stacks = [64, 72].map(|size| thread(&[(FUNCTION + 12, size), (aligned, 48)]));
    let mut programs = Programs::new();
    stacks.iter().for_each(|stack| programs.rules.learn(stack));
    let rule = programs.rules.evidence.rule(aligned).expect("a rule");
    assert_eq!((rule.kind, rule.offsets[0]), (UnwindRule::REALIGNED, 48));
    for stack in &stacks {
        assert!(leads_through(programs.resolve(stack), stack));
    }
}

#[test]
fn a_contradicted_rule_begins_another_generation() {
    let mut programs = Programs::new();
    let before = thread(&[(FUNCTION, 64), (FUNCTION + 1, 8)]);
    programs.take(&before);
    // The words are in the cache.
    assert_eq!(programs.resolve(&before).site, Some(1));
    let generation = programs.rules.control().generation;
    // The same function with another frame: its module was loaded again.
    let after = thread(&[(FUNCTION, 64), (FUNCTION + 1, 24)]);
    assert!(!programs.take(&after));
    assert_eq!(programs.rules.control().generation, generation + 1);
    assert_eq!(programs.resolve(&before).site, None);
}

#[test]
fn a_sample_that_makes_no_sense_does_no_harm() {
    let mut programs = Programs::new();
    programs.rules.learn(&StackSample::default());
    let lost = StackSample {
        frames: vec![1, 2, 3, 4, 5],
        context: u64::MAX - 7,
        words: vec![u64::MAX; 3],
    };
    programs.rules.learn(&lost);
    assert_eq!(programs.resolve(&lost).site, None);
}

#[test]
fn no_words_on_a_stack_make_it_fail() {
    let mut rng = Rng::with_seed(3);
    let mut programs = Programs::new();
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
            let words = (0..len).map(|_| rng.choice(values).unwrap_or(0));
            words.collect::<Vec<_>>()
        };
        let (frames, words) = (words(12), words(80));
        let sample = StackSample {
            frames,
            context: rng.choice([0, BASE, u64::MAX - 15]).unwrap_or(0),
            words,
        };
        programs.rules.learn(&sample);
        programs.resolve(&sample);
    }
}
