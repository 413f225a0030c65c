//! What user space tells the unwinder while it learns.

/// What user space has learned of all stacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct UnwindControl {
    /// How far above a program's context the first return address lies, in bytes; 0 while that
    /// is not known.
    pub first_return: u32,
    /// How many of the frames that the kernel's unwinder reports lie below that one.
    pub frames_below: u32,
    /// How far above the context the first return address lies that differs between stacks, in
    /// bytes. The [`UnwindCache`](super::UnwindCache) picks entries by it.
    pub discriminator_offset: u32,
    /// How often a rule was found to be wrong. Cache entries of earlier generations do not count.
    pub generation: u32,
}
