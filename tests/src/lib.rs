//! Leaks with known byte counts, and what the end-to-end tests need to run the
//! built `pagetrace` against them.
//!
//! [`leaks`] take pages and hold them; the helper program `leak` runs one of
//! them in a process of its own. [`events`] counts page allocations without any
//! BPF, so a leak can be checked against the kernel's own word. [`harness`]
//! starts both programs and reads what they say. [`model`] drives the BPF programs
//! by hand, and says what they should have done. [`scale`] makes up hosts larger
//! than this one. [`workloads`] and [`bpf_stats`] are what the bench measures with; the
//! helper programs `workload` and `bpf_stats` run them, and print [`readings`].

pub mod announcement;
pub mod bpf_stats;
pub mod bpf_syscall;
pub mod events;
pub mod harness;
pub mod leaks;
pub mod model;
pub mod readings;
pub mod scale;
mod tracefs;
pub mod workloads;
