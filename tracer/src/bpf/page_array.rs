//! The array of all `struct page`, which turns their addresses into page frames.

use tracer_ebpf::PageConfig;

/// The array of all `struct page`, as far as the programs need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageArray {
    /// Address of the `struct page` of page frame 0.
    pub base: u64,
    /// What a `struct page` looks like.
    pub layout: PageLayout,
}

impl From<PageArray> for PageConfig {
    fn from(array: PageArray) -> Self {
        Self {
            base: array.base,
            size: array.layout.size,
        }
    }
}

/// What a `struct page` looks like in the running kernel, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLayout {
    /// Its size.
    pub size: u64,
    /// Where its reference count lies (`_refcount`).
    pub references: Option<u64>,
    /// Where its list links lie (`lru`).
    pub list: Option<u64>,
    /// Where the mapping lies that the page belongs to (`mapping`).
    pub mapping: Option<u64>,
}
