//! What is known of page frames that nothing was found to hold.

use serde::{Deserialize, Serialize};

/// What points to them, and what class of data they have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Page frames that were looked for.
    pub pages: u64,
    /// Slab caches and callers of vmalloc whose memory points to them, most page frames first.
    pub referrers: Vec<Referrer>,
    /// How much memory was compared.
    pub compared_bytes: u64,
    /// How many page frames have data of each class, most first.
    pub contents: Vec<ContentPages>,
    /// Where the pointers in page frames of [`ContentClass::Pointers`] lead; none if the kernel hides
    /// the addresses of its symbols.
    #[serde(default)]
    pub pointers: Option<PointersToImage>,
}

/// Pointers to the kernel's own text and data, and to those of its modules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointersToImage {
    /// The symbols that they lead to, those with most pointers first.
    pub symbols: Vec<SymbolPointers>,
    /// Pointers to what has no name.
    pub unnamed: u64,
}

/// Pointers to one symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolPointers {
    /// The function or object.
    pub symbol: String,
    /// The module that it is of; none for the kernel proper.
    pub module: Option<String>,
    /// How many.
    pub pointers: u64,
}

/// Memory that points to page frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referrer {
    /// What kind of memory it is.
    pub kind: ReferrerKind,
    /// The slab cache, or the function that asked vmalloc; none if that is not known.
    pub name: Option<String>,
    /// The known owner of such memory, if there is one.
    #[serde(default)]
    pub known: Option<String>,
    /// To how many page frames it points.
    pub pages: u64,
}

/// What kind of memory points to page frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReferrerKind {
    /// Objects of a slab cache.
    SlabCache,
    /// Memory of vmalloc.
    Vmalloc,
}

/// Page frames with data of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentPages {
    /// The class.
    pub class: ContentClass,
    /// How many.
    pub pages: u64,
}

/// What class of data a page frame has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentClass {
    /// Nothing but zeros.
    Zero,
    /// A packet of IPv4 or IPv6, with a valid checksum.
    Packet,
    /// Text.
    Text,
    /// Addresses of the kernel.
    Pointers,
    /// Anything else.
    Other,
    /// It could not be read.
    Unreadable,
}

impl ContentClass {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zero => "zeros",
            Self::Packet => "IP packets",
            Self::Text => "text",
            Self::Pointers => "kernel pointers",
            Self::Other => "other data",
            Self::Unreadable => "not readable",
        }
    }
}
