//! An entry has the site of a stack with the same words, and of no other.

use super::*;

const SITE: u32 = 77;
const ANCHOR: u16 = 0x3f00;
const ANCHORED: u64 = ANCHOR as u64 - START_TO_CONTEXT;

/// Resolves stacks as a program does, with one cache.
struct Resolver {
    table: Table,
    cache: Box<UnwindCache>,
    control: UnwindControl,
    /// The keys of sites that the kernel's unwinder has produced.
    known: Vec<u64>,
    gfp: u32,
}

impl Resolver {
    /// The site with these frames is known.
    fn new(rules: &[UnwindRule], frames: &[u64]) -> Self {
        Self {
            table: Table::new(rules),
            cache: Box::new(UnwindCache::EMPTY),
            control: UnwindControl {
                first_return: FIRST as u32,
                ..UnwindControl::default()
            },
            known: vec![key(frames)],
            gfp: GFP,
        }
    }

    fn entry(&mut self, stack: &Words) -> &mut CacheEntry {
        let tag = Tag::new(ORDER, self.gfp, self.control.generation);
        let discriminator = self.control.discriminator_offset.into();
        self.cache.entry(stack, discriminator, tag)
    }

    fn site(&mut self, stack: &Words) -> Option<u32> {
        let tag = Tag::new(ORDER, self.gfp, self.control.generation);
        let discriminator = self.control.discriminator_offset.into();
        let entry = self.cache.entry(stack, discriminator, tag);
        let known = |key| self.known.contains(&key).then_some(SITE);
        let rules = Some(self.table.rules());
        let site_key = |key, _: &_| key;
        resolve(stack, rules, &self.control, tag, entry, site_key, known).site
    }

    /// The same without a rule that could lead to it.
    fn cached_site(&mut self, stack: &Words) -> Option<u32> {
        let rules = core::mem::replace(&mut self.table, Table::new(&[]));
        let site = self.site(stack);
        self.table = rules;
        site
    }
}

/// Two frames.
fn short() -> (Resolver, Words) {
    let rules = [frame(A, 8), end(B)];
    (
        Resolver::new(&rules, &[A, B]),
        Words::new(&[(32, A), (40, B), (48, C)]),
    )
}

/// A system call with a frame of random size.
fn syscall() -> (Resolver, Words) {
    let rules = [
        frame(A, 8),
        rule_at(B, UnwindRule::ANCHORED, ANCHOR),
        rule(C, UnwindRule::REGISTERS),
    ];
    let cs = register_offset(ANCHORED, registers::CS);
    (
        Resolver::new(&rules, &[A, B, C]),
        Words::new(&[(32, A), (40, B), (ANCHORED, C), (cs, USER_CS)]),
    )
}

#[test]
fn a_stack_is_found_again_without_rules() {
    let (mut resolver, stack) = short();
    assert_eq!(resolver.cached_site(&stack), None);
    assert_eq!(resolver.site(&stack), Some(SITE));
    assert_eq!(resolver.cached_site(&stack), Some(SITE));
}

#[test]
fn words_that_were_not_read_do_not_matter() {
    let (mut resolver, stack) = short();
    resolver.site(&stack);
    let other = stack.with(&[(24, D), (48, D)]);
    assert_eq!(resolver.cached_site(&other), Some(SITE));
}

#[test]
fn every_word_that_was_read_matters() {
    for offset in [32, 40] {
        let (mut resolver, stack) = short();
        resolver.site(&stack);
        let other = stack.with(&[(offset, D)]);
        assert_eq!(resolver.cached_site(&other), None, "{offset}");
    }
}

#[test]
fn a_site_that_is_not_known_is_not_cached() {
    let (mut resolver, stack) = short();
    resolver.known.clear();
    assert_eq!(resolver.site(&stack), None);
    assert_eq!(resolver.site(&stack), None);
    resolver.known.push(key(&[A, B]));
    assert_eq!(resolver.site(&stack), Some(SITE));
}

#[test]
fn an_invalidated_entry_is_no_more() {
    let (mut resolver, stack) = short();
    resolver.site(&stack);
    resolver.entry(&stack).invalidate();
    assert_eq!(resolver.cached_site(&stack), None);
}

#[test]
fn an_entry_is_that_of_one_taker() {
    let (mut resolver, stack) = short();
    let site = |resolver: &mut Resolver, taker| {
        let tag = Tag::new(ORDER, GFP, 0).of_taker(taker);
        let entry = resolver.cache.entry(&stack, 0, tag);
        let site_key = |key, entry: &CacheEntry| {
            assert_eq!(entry.last(), B);
            mix(key, taker)
        };
        // As if a site were found by its key alone.
        let known = |key| Some(key as u32 | 1);
        let (rules, control) = (resolver.table.rules(), &resolver.control);
        resolve(&stack, Some(rules), control, tag, entry, site_key, known).site
    };
    let of = |taker| Some(mix(key(&[A, B]), taker) as u32 | 1);
    for taker in [4711, 4712, 4711, 0, 4712] {
        assert_eq!(site(&mut resolver, taker), of(taker));
    }
    let tags = [0, 1, 4711].map(|taker| Tag::new(ORDER, GFP, 0).of_taker(taker));
    assert!(
        tags.iter()
            .all(|tag| tag.seed() == Tag::new(ORDER, GFP, 0).seed())
    );
}

#[test]
fn order_gfp_flags_and_generation_tell_stacks_apart() {
    let tags = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)];
    let tags = tags.map(|(order, gfp, generation)| Tag::new(order, gfp, generation));
    for (i, tag) in tags.iter().enumerate() {
        assert!(!tags[..i].contains(tag), "{tag:?}");
    }
    let (mut resolver, stack) = short();
    resolver.site(&stack);
    resolver.control.generation += 1;
    assert_eq!(resolver.cached_site(&stack), None);
    let (mut resolver, stack) = short();
    resolver.site(&stack);
    resolver.gfp += 1;
    assert_eq!(resolver.cached_site(&stack), None);
}

#[test]
fn the_anchored_return_address_and_the_mode_are_words_that_were_read() {
    let (mut resolver, stack) = syscall();
    assert_eq!(resolver.site(&stack), Some(SITE));
    assert_eq!(resolver.cached_site(&stack), Some(SITE));
    let other_caller = stack.clone().with(&[(ANCHORED, D)]);
    assert_eq!(resolver.cached_site(&other_caller), None);
    let (mut resolver, _) = syscall();
    resolver.site(&stack);
    let cs = register_offset(ANCHORED, registers::CS);
    let in_kernel = stack.with(&[(cs, KERNEL_CS)]);
    assert_eq!(resolver.cached_site(&in_kernel), None);
}

/// The same stack from another context, as a frame of random size makes it.
struct Moved(Words, u64);

impl Stack for Moved {
    fn context(&self) -> u64 {
        CONTEXT + self.1
    }

    fn word(&self, offset: u64) -> u64 {
        // Below the anchored return address everything moves, above it nothing.
        let anchored = offset + self.1 >= ANCHORED;
        self.0.word(offset + if anchored { self.1 } else { 0 })
    }

    fn zero(&self) -> u64 {
        0
    }
}

#[test]
fn a_frame_of_random_size_does_not_matter() {
    let (mut resolver, stack) = syscall();
    resolver.site(&stack);
    let tag = Tag::new(ORDER, GFP, 0);
    for distance in [16, 1008] {
        let moved = Moved(stack.clone(), distance);
        let entry = resolver.cache.entry(&moved, 0, tag);
        assert_eq!(entry.lookup(&moved, tag), Some(SITE), "{distance}");
    }
}

#[test]
fn an_unwind_through_an_interrupted_function_is_not_cached() {
    // A system call that was interrupted.
    let rules = [
        rule(A, UnwindRule::REGISTERS),
        frame(B, 8),
        rule(C, UnwindRule::REGISTERS),
    ];
    let mut resolver = Resolver::new(&rules, &[A, B, C]);
    let register = |register| register_offset(FIRST, register);
    let stack = Words::new(&[
        (FIRST, A),
        (register(registers::CS), KERNEL_CS),
        (register(registers::IP), B),
        (register(registers::SP), CONTEXT + 400),
        (400, C),
        (register_offset(400, registers::CS), USER_CS),
    ]);
    assert_eq!(resolver.site(&stack), Some(SITE));
    assert_eq!(resolver.cached_site(&stack), None);
}

#[test]
fn of_an_aligned_stack_only_the_lower_return_address_is_cached() {
    let rules = [rule_at(A, UnwindRule::REALIGNED, 16), end(B)];
    let mut resolver = Resolver::new(&rules, &[A, B]);
    let lower = Words::new(&[(32, A), (48, B)]);
    assert_eq!(resolver.site(&lower), Some(SITE));
    assert_eq!(resolver.cached_site(&lower), Some(SITE));
    let upper = Words::new(&[(32, A), (48, CONTEXT), (56, B)]);
    assert_eq!(resolver.site(&upper), Some(SITE));
    assert_eq!(resolver.cached_site(&upper), None);
}

#[test]
fn a_stack_of_more_frames_than_an_entry_has_is_not_cached() {
    for (frames, cached) in [(31, Some(SITE)), (32, None)] {
        let run_of_a = run(A, UnwindRule::FRAME, &[(8, A), (16, A), (24, A), (32, A)]);
        let mut words: Vec<_> = (0..frames).map(|i| (FIRST + i * WORD, A)).collect();
        words.push((FIRST + frames * WORD, B));
        let ips: Vec<_> = words.iter().map(|&(_, ip)| ip).collect();
        let mut resolver = Resolver::new(&[run_of_a, end(B)], &ips);
        let stack = Words::new(&words);
        assert_eq!(resolver.site(&stack), Some(SITE), "{frames}");
        assert_eq!(resolver.cached_site(&stack), cached, "{frames}");
    }
}

#[test]
fn without_a_first_return_there_is_nothing_to_unwind() {
    let (mut resolver, stack) = short();
    resolver.control.first_return = 0;
    let stack = stack.with(&[(0, A), (8, B)]);
    assert_eq!(resolver.site(&stack), None);
}

#[test]
fn the_discriminator_spreads_stacks_over_entries() {
    let (mut resolver, stack) = short();
    resolver.control.discriminator_offset = 40;
    let mut entries: Vec<_> = (0..64)
        .map(|i| stack.clone().with(&[(40, B + i * 16)]))
        .map(|stack| &raw const *resolver.entry(&stack))
        .collect();
    entries.sort();
    entries.dedup();
    // By chance it would be 40 of 64.
    assert!(entries.len() > 24, "{}", entries.len());
}
