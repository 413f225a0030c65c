//! The array of all `struct page`, which turns their addresses into page frames.

/// The array of all `struct page`, as far as the programs need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageArray {
    /// Address of the `struct page` of page frame 0.
    pub base: u64,
    /// Size of a `struct page`, in bytes.
    pub page_struct_size: u64,
}
