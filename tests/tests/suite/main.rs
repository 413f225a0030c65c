//! The end-to-end suite: runs the built binary on real leaks, as root, on the
//! running kernel. One program, so that it can be carried into a virtual machine.

mod bad_input;
mod command;
mod interface;
mod lacking;
mod leak_programs;
mod module;
mod outputs;
mod packet_ring;
mod pipes;
mod ranking;
mod scope;
mod signals;
mod site_table;
mod symbols;
mod terminal;
mod unix_dgrams;

/// The helper program that takes pages.
const LEAK: &str = env!("CARGO_BIN_EXE_leak");
