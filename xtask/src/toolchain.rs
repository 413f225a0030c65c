//! The one place that says what the BPF object is built with.
//!
//! This file is an input of the object: changing it makes the object stale.

/// The Rust release whose compiler and `core` are used.
pub(crate) const RUST: &str = "1.95.0";
/// The LLVM release of that compiler's bitcode.
pub(crate) const LLVM: u32 = 22;
/// The `bpf-linker` release.
pub(crate) const BPF_LINKER: &str = "0.13.0";

/// What the object is built for.
pub(crate) const TARGET: &str = "bpfel-unknown-none";
/// What the compiler is told; `core` is built the same way.
pub(crate) const RUSTFLAGS: [&str; 2] = ["-Cdebuginfo=2", "-Clink-arg=--btf"];
/// What is taken out of the linked object: DWARF, but neither .BTF nor .BTF.ext.
pub(crate) const OBJCOPY: &str = "--strip-debug";
