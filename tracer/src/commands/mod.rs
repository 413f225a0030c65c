//! One file or folder per verb: asks `kernel` and `bpf`, has it analysed, has it
//! rendered. The only asynchronous code.

pub mod check;
pub mod report;
pub mod trace;
