//! The command line: what was typed, and whether it can be meant.

mod args;
mod values;

pub use args::{Args, Command, DEFAULT_MAX_SITES, HookChoice, TraceArgs};
pub use values::{Output, Window};
