//! The command line: what was typed, and whether it can be meant.

mod args;
mod filters;
mod values;

pub use args::{Args, Command, DEFAULT_CHECK_EVERY, DEFAULT_MAX_SITES, HookChoice, TraceArgs};
pub use filters::{FilterArgs, GfpFlag};
pub use values::{Output, Window};
