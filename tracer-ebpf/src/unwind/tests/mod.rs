//! Stacks and rules written by hand, unwound as the programs do it.

extern crate std;

mod cache;
mod unwinder;

use std::{boxed::Box, vec, vec::Vec};

use super::*;
use crate::key::{mix, seed};

/// Where the context lies: 256 bytes above the start of the stack.
const CONTEXT: u64 = 0xffff_c900_0012_0100;
const START_TO_CONTEXT: u64 = CONTEXT % STACK_SIZE;

const ORDER: u32 = 3;
const GFP: u32 = 0xcc0;

/// Where each stack here has its first return address.
const FIRST: u64 = 32;

// Return addresses.
const A: u64 = 0xffff_ffff_8100_0a00;
const B: u64 = 0xffff_ffff_8100_0b00;
const C: u64 = 0xffff_ffff_c000_0c00;
const D: u64 = 0xffff_ffff_8100_0d00;

const USER_CS: u64 = 0x33;
const KERNEL_CS: u64 = 0x10;

/// A stack from its context up.
#[derive(Clone)]
struct Words(Vec<u64>);

impl Words {
    /// Zeroes, but for these words, each with its offset.
    fn new(words: &[(u64, u64)]) -> Self {
        let len = (STACK_SIZE - START_TO_CONTEXT) / WORD;
        let zeroes = Self(vec![0; len as usize]);
        zeroes.with(words)
    }

    /// The same stack with these words instead.
    fn with(mut self, words: &[(u64, u64)]) -> Self {
        for &(offset, word) in words {
            self.0[(offset / WORD) as usize] = word;
        }
        self
    }
}

impl Stack for Words {
    fn context(&self) -> u64 {
        CONTEXT
    }

    fn word(&self, offset: u64) -> u64 {
        let word = self.0.get((offset / WORD) as usize);
        word.copied().unwrap_or(0)
    }

    fn zero(&self) -> u64 {
        0
    }
}

/// A rule table.
struct Table(Box<RuleTable>);

impl Table {
    fn new(rules: &[UnwindRule]) -> Self {
        let table = vec![UnwindRule::NONE; RULES].into_boxed_slice();
        let mut table: Box<RuleTable> = table.try_into().expect("as many as there are");
        for rule in rules {
            let first = bucket(rule.ip);
            let mut entries = table[first..first + BUCKET].iter_mut();
            let free = entries.find(|entry| entry.ip == 0);
            *free.expect("a bucket with room") = *rule;
        }
        Self(table)
    }

    fn rules(&self) -> Rules<'_> {
        // SAFETY: a table that lives as long as what refers to it.
        unsafe { Rules::new(&raw const *self.0) }
    }

    /// Unwinds into an entry that is not looked at.
    fn unwind(&self, stack: &Words) -> Unwound {
        let mut cache = Box::new(UnwindCache::EMPTY);
        let tag = Tag::new(ORDER, GFP, 0);
        let entry = cache.entry(stack, 0, tag);
        unwind(stack, self.rules(), FIRST, tag.seed(), entry)
    }
}

fn rule(ip: u64, kind: u16) -> UnwindRule {
    UnwindRule {
        ip,
        kind,
        ..UnwindRule::NONE
    }
}

/// A rule of `kind` with the offset of one return address.
fn rule_at(ip: u64, kind: u16, offset: u16) -> UnwindRule {
    run(ip, kind, &[(offset, 0)])
}

/// A rule that predicts return addresses, each with its offset.
fn run(ip: u64, kind: u16, predicted: &[(u16, u64)]) -> UnwindRule {
    let mut rule = rule(ip, kind);
    rule.run = predicted.len() as u16;
    for (i, &(offset, next)) in predicted.iter().enumerate() {
        rule.offsets[i] = offset;
        rule.next[i] = next;
    }
    rule
}

fn frame(ip: u64, offset: u16) -> UnwindRule {
    rule_at(ip, UnwindRule::FRAME, offset)
}

fn end(ip: u64) -> UnwindRule {
    rule(ip, UnwindRule::END)
}

/// The key of the call site with these frames.
fn key(frames: &[u64]) -> u64 {
    frames.iter().copied().fold(seed(ORDER, GFP), mix)
}

fn complete(frames: &[u64]) -> Unwound {
    Unwound {
        key: key(frames),
        outcome: Outcome::Complete,
    }
}
