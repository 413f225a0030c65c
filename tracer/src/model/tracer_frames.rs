//! The frames that a tracer adds to stacks.

use std::ops::Range;

/// The innermost frames of the stacks that a tracer records: its own program, and the
/// kernel's way into it. They are there, innermost first, above whoever took the pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TracerFrames {
    /// Where the tracer's programs lie; empty where the kernel does not tell.
    pub programs: Vec<Range<u64>>,
    /// Whether each stack begins with a frame of such a program.
    pub begin_stacks: bool,
    /// How many frames there are before the first that is not of the tracer or the kernel's
    /// way into it, as measured; 0 if it was not.
    pub measured: usize,
}
