//! Unwinds kernel stacks by rules, many times faster than the kernel's unwinder.
//!
//! At one return address a frame always has the same size; the kernel's own unwind
//! tables (ORC) rest on that. So an [`UnwindRule`] belongs to a return address and says
//! where on the stack the next one lies. User space learns the rules from stacks that
//! the kernel's unwinder has walked, the programs follow them.
//!
//! Where functions keep frame records on their stack, as on arm64, these are
//! [followed](follow_records), and no rule is needed.
//!
//! A rule can be wrong, outdated or half-written. A rule-based unwind is therefore
//! accepted only if its hash, the [key](crate::key) of a call site, matches a stack that
//! the kernel's unwinder has already produced.

mod cache;
mod control;
mod records;
mod resolve;
mod rule;
mod stack;
mod table;
mod unwinder;

#[cfg(test)]
mod tests;

pub use cache::{CacheEntry, Tag, UnwindCache};
pub use control::UnwindControl;
pub use records::{Followed, follow_records, without_signature};
pub use resolve::{Resolution, resolve};
pub use rule::{RUN, UnwindRule};
pub use stack::{STACK_SIZE, Stack, WORD, code, register_offset, registers};
pub use table::{BUCKET, RULES, RuleTable, Rules, bucket};
pub use unwinder::{Outcome, Unwound, unwind};
