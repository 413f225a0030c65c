//! The rule table: buckets of a few rules, picked by a hash of the return address.

use core::{marker::PhantomData, mem::offset_of};

use super::UnwindRule;
use crate::key::hash;

/// Rules in the table, a power of two.
pub const RULES: usize = 1 << 14;

/// Rules in a bucket.
pub const BUCKET: usize = 4;

/// The rule table: one value of a map, so that a stack needs one look-up of it.
pub type RuleTable = [UnwindRule; RULES];

/// Index of the first rule of the bucket that a return address belongs to.
#[inline(always)]
pub const fn bucket(ip: u64) -> usize {
    const BUCKETS: usize = RULES / BUCKET;
    (hash(ip) >> (u64::BITS - BUCKETS.ilog2())) as usize * BUCKET
}

/// The rule table as programs read it. User space may be writing to it, so nobody refers
/// to a rule: each field is read for itself when it is needed.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    table: *const UnwindRule,
    lifetime: PhantomData<&'a RuleTable>,
}

impl<'a> Rules<'a> {
    /// The rules in this table.
    ///
    /// # Safety
    ///
    /// The table is readable throughout the lifetime, and its address a multiple of 8.
    #[inline(always)]
    pub const unsafe fn new(table: *const RuleTable) -> Self {
        Self {
            table: table.cast(),
            lifetime: PhantomData,
        }
    }

    /// The rule of this return address.
    #[inline(always)]
    pub(super) fn find(self, ip: u64, zero: u64) -> Option<Rule<'a>> {
        let first = bucket(ip);
        let mut i = 0;
        while self.rule(first + i).ip() != ip {
            i += 1;
            if i == BUCKET {
                return None;
            }
        }
        // Four entries to follow would be four ways on for the verifier.
        Some(self.rule(first + i + zero as usize))
    }

    #[inline(always)]
    fn rule(self, index: usize) -> Rule<'a> {
        Rule {
            // The remainder changes nothing; it is what the kernel's verifier believes.
            at: self.table.wrapping_add(index % RULES),
            lifetime: PhantomData,
        }
    }
}

/// A rule of the table.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    at: *const UnwindRule,
    lifetime: PhantomData<&'a UnwindRule>,
}

impl Rule<'_> {
    #[inline(always)]
    fn ip(self) -> u64 {
        self.read(offset_of!(UnwindRule, ip))
    }

    #[inline(always)]
    pub(super) fn kind(self) -> u16 {
        self.read(offset_of!(UnwindRule, kind))
    }

    #[inline(always)]
    pub(super) fn run(self) -> u16 {
        self.read(offset_of!(UnwindRule, run))
    }

    /// The offset of the `i`th return address that follows; `i` is below [`RUN`](super::RUN).
    #[inline(always)]
    pub(super) fn offset(self, i: usize) -> u16 {
        self.read(offset_of!(UnwindRule, offsets) + i * size_of::<u16>())
    }

    /// The `i`th return address that follows; `i` is below [`RUN`](super::RUN).
    #[inline(always)]
    pub(super) fn next(self, i: usize) -> u64 {
        self.read(offset_of!(UnwindRule, next) + i * size_of::<u64>())
    }

    #[inline(always)]
    fn read<T: Copy>(self, offset: usize) -> T {
        let field = self.at.wrapping_byte_add(offset).cast::<T>();
        // SAFETY: a field of a rule within the table, which is aligned and readable; all
        // fields are integers, and whatever user space writes is one.
        unsafe { field.read_volatile() }
    }
}

const _: () = assert!(RULES.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_is_within_the_table() {
        for ip in [0, 1, 0xffff_ffff_8100_0000, 0xffff_ffff_c0a8_1234, u64::MAX] {
            let first = bucket(ip);
            assert!(first + BUCKET <= RULES, "{ip:#x}");
            assert_eq!(first % BUCKET, 0, "{ip:#x}");
        }
    }
}
