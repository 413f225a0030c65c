//! Rules of each kind lead where they say.

use super::*;

#[test]
fn frames_of_constant_size() {
    let table = Table::new(&[frame(A, 24), frame(B, 8), end(C)]);
    let stack = Words::new(&[(32, A), (56, B), (64, C), (72, D)]);
    assert_eq!(table.unwind(&stack), complete(&[A, B, C]));
}

#[test]
fn a_run_is_followed_in_one_step() {
    // There are no rules for B and C.
    let table = Table::new(&[
        run(A, UnwindRule::FRAME, &[(24, B), (32, C), (64, D)]),
        end(D),
    ]);
    let stack = Words::new(&[(32, A), (56, B), (64, C), (96, D)]);
    assert_eq!(table.unwind(&stack), complete(&[A, B, C, D]));
}

#[test]
fn a_wrong_prediction_ends_the_run_where_it_was_wrong() {
    let table = Table::new(&[
        run(A, UnwindRule::FRAME, &[(24, B), (32, C), (64, D)]),
        frame(D, 16),
        end(B),
    ]);
    // B is followed by D and not by C, which would have been followed by D.
    let stack = Words::new(&[(32, A), (56, B), (64, D), (80, B), (96, D)]);
    assert_eq!(table.unwind(&stack), complete(&[A, B, D, B]));
    // Even the first can be another one.
    let stack = Words::new(&[(32, A), (56, D), (64, C), (72, B)]);
    assert_eq!(table.unwind(&stack), complete(&[A, D, B]));
}

#[test]
fn a_function_that_aligns_its_stack_has_its_return_address_at_one_of_two_offsets() {
    let table = Table::new(&[rule_at(A, UnwindRule::REALIGNED, 16), end(B)]);
    let lower = Words::new(&[(32, A), (48, B), (56, C)]);
    assert_eq!(table.unwind(&lower), complete(&[A, B]));
    let saved_register = CONTEXT + 64;
    let upper = Words::new(&[(32, A), (48, saved_register), (56, B)]);
    assert_eq!(table.unwind(&upper), complete(&[A, B]));
}

#[test]
fn an_anchored_return_address_is_counted_from_the_start_of_the_stack() {
    let anchor = 0x3f00;
    let table = Table::new(&[
        rule_at(A, UnwindRule::ANCHORED, anchor),
        frame(B, 8),
        end(C),
    ]);
    let offset = u64::from(anchor) - START_TO_CONTEXT;
    let stack = Words::new(&[(32, A), (offset, B), (offset + 8, C)]);
    assert_eq!(table.unwind(&stack), complete(&[A, B, C]));
}

#[test]
fn registers_of_user_mode_end_the_stack() {
    let table = Table::new(&[frame(A, 8), rule(B, UnwindRule::REGISTERS)]);
    let cs = register_offset(40, registers::CS);
    let stack = Words::new(&[(32, A), (40, B), (cs, USER_CS)]);
    assert_eq!(table.unwind(&stack), complete(&[A, B]));
}

#[test]
fn registers_of_the_kernel_lead_to_the_interrupted_function() {
    let table = Table::new(&[rule(A, UnwindRule::REGISTERS), frame(B, 24), end(C)]);
    let register = |register| register_offset(FIRST, register);
    // Called, B would have its return address at 392, right below the stack pointer.
    let stack = Words::new(&[
        (FIRST, A),
        (register(registers::CS), KERNEL_CS),
        (register(registers::IP), B),
        (register(registers::SP), CONTEXT + 400),
        (392, D),
        (392 + 24, C),
    ]);
    assert_eq!(table.unwind(&stack), complete(&[A, B, C]));
}

#[test]
fn a_return_address_without_a_rule_is_as_far_as_it_goes() {
    let table = Table::new(&[frame(A, 8)]);
    let unwound = table.unwind(&Words::new(&[(32, A), (40, B)]));
    assert_eq!(unwound.outcome, Outcome::NoRule);
    let unwound = table.unwind(&Words::new(&[]));
    assert_eq!(unwound.outcome, Outcome::NoRule);
}

#[test]
fn every_rule_of_a_bucket_is_found() {
    let mut ips = (A..).filter(|&ip| bucket(ip) == bucket(A));
    let rules: Vec<_> = ips.by_ref().take(BUCKET).map(end).collect();
    let table = Table::new(&rules);
    for UnwindRule { ip, .. } in rules {
        assert_eq!(table.unwind(&Words::new(&[(32, ip)])), complete(&[ip]));
    }
    let other = ips.next().expect("an endless number");
    let unwound = table.unwind(&Words::new(&[(32, other)]));
    assert_eq!(unwound.outcome, Outcome::NoRule);
}

#[test]
fn what_no_rule_describes_is_opaque() {
    let table = Table::new(&[frame(A, 8), rule(B, UnwindRule::OPAQUE)]);
    let unwound = table.unwind(&Words::new(&[(32, A), (40, B)]));
    assert_eq!(unwound.outcome, Outcome::Opaque);
}

#[test]
fn a_half_written_rule_is_none() {
    for kind in [0, 7, u16::MAX] {
        let table = Table::new(&[frame(A, 8), rule(B, kind)]);
        let unwound = table.unwind(&Words::new(&[(32, A), (40, B)]));
        assert_eq!(unwound.outcome, Outcome::NoRule, "{kind}");
    }
}

#[test]
fn rules_are_followed_so_far_and_no_further() {
    let table = Table::new(&[frame(A, 8), end(B)]);
    let recursion = |frames| {
        let mut words: Vec<_> = (0..frames).map(|i| (FIRST + i * WORD, A)).collect();
        words.push((FIRST + frames * WORD, B));
        table.unwind(&Words::new(&words))
    };
    // The 24th rule is that of the end.
    let frames = [[A; 23].as_slice(), &[B]].concat();
    assert_eq!(recursion(23), complete(&frames));
    assert_eq!(recursion(24).outcome, Outcome::NoRule);
}

#[test]
fn rules_that_lead_nowhere_do_no_harm() {
    let table = Table::new(&[
        frame(A, 0),
        run(B, UnwindRule::FRAME, &[(u16::MAX, D); RUN]),
        UnwindRule {
            run: u16::MAX,
            ..frame(C, 8)
        },
        rule(D, UnwindRule::REGISTERS),
    ]);
    for first in [A, B, C, D] {
        let unwound = table.unwind(&Words::new(&[(32, first)]));
        assert_eq!(unwound.outcome, Outcome::NoRule, "{first:#x}");
    }
}
