//! From the first frame record of a stack to its last.
//!
//! On arm64 every function of the kernel keeps a frame record at the bottom of its frame: the address
//! of its caller's, and the return address. So no rule has to be learned. The kernel's unwinder does the
//! same (arch/arm64/kernel/stacktrace.c), and looks up for each record on which stack it lies.

use super::{Outcome, Stack, Unwound, WORD};
use crate::{InterruptCode, key::mix};

/// How many records are followed on one stack.
const RECORDS: usize = 64;

/// Offsets in a `struct pt_regs` of arm64, in bytes; its beginning is ABI (`struct user_pt_regs`).
mod registers {
    /// The frame pointer, `x29`.
    pub(super) const FP: u64 = 29 * 8;
    /// The interrupted instruction.
    pub(super) const PC: u64 = 32 * 8;
}

/// What the third word of a record without addresses says, of one that belongs to the registers of an
/// exception on top of the kernel (`FRAME_META_TYPE_PT_REGS`, Linux 6.13).
const PT_REGS: u64 = 2;

/// A code address without its signature (pointer authentication).
///
/// The signature is in the bits above the addresses, which are all set in the kernel's half: kernels lie
/// in the highest 2^47 bytes of it (Documentation/arch/arm64/memory.rst).
#[inline(always)]
pub const fn without_signature(address: u64) -> u64 {
    address | 0xffff << 48
}

/// A stack as its frame records tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Its key, and how far it came.
    pub unwound: Unwound,
    /// Whether it is an interrupt's.
    pub in_interrupt: bool,
}

/// Follows the records of a stack from the one whose return address lies at the offset `first` on, and
/// mixes the frames into the key `seed`; as of [`UnwindConfig`](crate::UnwindConfig), a record lies
/// `registers` bytes above the registers that it belongs to.
#[inline(always)]
pub fn follow_records(
    stack: &impl Stack,
    first: u64,
    registers: u32,
    interrupts: &InterruptCode,
    seed: u64,
) -> Followed {
    let mut key = seed;
    let mut record = (first + stack.zero()).wrapping_sub(WORD);
    for _ in 0..RECORDS {
        let [fp, lr] = stack.pair(record);
        if fp | lr == 0 {
            let [kind, _] = stack.pair(record.wrapping_add(2 * WORD));
            if registers == 0 || kind != PT_REGS {
                return ended(key, Outcome::Complete, false);
            }
            let saved = record.wrapping_sub(registers.into());
            let [pc, _] = stack.pair(saved.wrapping_add(registers::PC));
            let [fp, _] = stack.pair(saved.wrapping_add(registers::FP));
            key = mix(key, without_signature(pc));
            record = fp.wrapping_sub(stack.context());
            continue;
        }
        let ip = without_signature(lr);
        key = mix(key, ip);
        if interrupts.contains(ip) {
            return ended(key, Outcome::Complete, true);
        }
        // Some chains end without an empty record.
        if fp == 0 {
            return ended(key, Outcome::Complete, false);
        }
        record = fp.wrapping_sub(stack.context());
    }
    ended(key, Outcome::NoRule, false)
}

#[inline(always)]
const fn ended(key: u64, outcome: Outcome, in_interrupt: bool) -> Followed {
    Followed {
        unwound: Unwound { key, outcome },
        in_interrupt,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Code;

    extern crate std;

    const CONTEXT: u64 = 0xffff_8000_8123_4010;
    const REGISTERS: u32 = 296;

    /// Words at addresses, as a stack above [`CONTEXT`].
    #[derive(Default)]
    struct Records(BTreeMap<u64, u64>);

    impl Records {
        /// Puts a record at an offset, whose caller's lies at another; 0 for none.
        fn put(&mut self, offset: u64, next: u64, lr: u64) {
            let fp = if next == 0 { 0 } else { CONTEXT + next };
            self.0.insert(offset, fp);
            self.0.insert(offset + WORD, lr);
        }
    }

    impl Stack for Records {
        fn context(&self) -> u64 {
            CONTEXT
        }

        fn word(&self, offset: u64) -> u64 {
            self.0.get(&offset).copied().unwrap_or(0)
        }

        fn zero(&self) -> u64 {
            0
        }
    }

    const INTERRUPTS: InterruptCode = InterruptCode {
        irq: [
            Code::NONE,
            Code {
                start: ip(0x1000),
                len: 0x100,
            },
            Code::NONE,
        ],
        softirq: Code::NONE,
    };

    const fn ip(offset: u64) -> u64 {
        0xffff_8000_8000_0000 + offset
    }

    const fn signed(offset: u64) -> u64 {
        ip(offset) & !(0x7f_u64 << 48) & !(0xff << 56) | 0x2a << 48 | 0x5c << 56
    }

    fn key(ips: &[u64]) -> u64 {
        ips.iter().fold(7, |key, &it| mix(key, ip(it)))
    }

    fn follow(records: &Records) -> Followed {
        follow_records(records, 0x38, REGISTERS, &INTERRUPTS, 7)
    }

    #[test]
    fn signed_return_addresses_are_followed_to_the_last_record() {
        let mut records = Records::default();
        records.put(0x30, 0x80, signed(1));
        records.put(0x80, 0x4000, ip(2));
        records.put(0x4000, 0x4100, signed(3));
        let end = ended(key(&[1, 2, 3]), Outcome::Complete, false);
        assert_eq!(follow(&records), end, "the last record is empty");
        records.put(0x4000, 0, signed(3));
        assert_eq!(follow(&records), end, "there is none");
    }

    #[test]
    fn the_entry_of_an_interrupt_is_the_end() {
        let mut records = Records::default();
        records.put(0x30, 0x80, signed(1));
        records.put(0x80, 0x90, signed(0x1004));
        records.put(0x90, 0, ip(9));
        let end = ended(key(&[1, 0x1004]), Outcome::Complete, true);
        assert_eq!(follow(&records), end);
    }

    #[test]
    fn an_exception_on_top_of_the_kernel_is_passed() {
        let mut records = Records::default();
        records.put(0x30, 0x800, signed(1));
        // A record without addresses, and what it is.
        records.put(0x800, 0, 0);
        records.0.insert(0x810, PT_REGS);
        let saved = 0x800 - u64::from(REGISTERS);
        records.0.insert(saved + registers::PC, ip(2));
        records.0.insert(saved + registers::FP, CONTEXT + 0x900);
        records.put(0x900, 0, signed(3));
        let end = ended(key(&[1, 2, 3]), Outcome::Complete, false);
        assert_eq!(follow(&records), end);
        records.0.insert(0x810, 1);
        let end = ended(key(&[1]), Outcome::Complete, false);
        assert_eq!(follow(&records), end, "the last record");
    }

    #[test]
    fn a_circle_is_left() {
        let mut records = Records::default();
        records.put(0x30, 0x30, signed(1));
        assert_eq!(follow(&records).unwound.outcome, Outcome::NoRule);
    }
}
