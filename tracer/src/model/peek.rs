//! What the memory of a process holds, by a sample of it.

use serde::{Deserialize, Serialize};

use super::Seconds;

/// What a sample of a mapping's resident pages holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Peek {
    /// The name of the mappings.
    pub mapping: String,
    /// Pages of theirs that are present.
    pub present_pages: u64,
    /// Pages that were read.
    pub sampled_pages: u64,
    /// Pages that went away before they were read, or may not be read.
    pub unreadable_pages: u64,
    /// Bytes that were looked at.
    pub sampled_bytes: u64,
    /// How long it took.
    pub took_seconds: Seconds,
    /// Whether time ran out before all of the sample was looked at.
    pub is_cut_short: bool,
    /// The share of bytes that are zero.
    pub zero_share: f64,
    /// Bits per byte of all that is not zero: 0 where all bytes are the same, 8 where they are
    /// random, compressed or encrypted.
    pub entropy_bits_per_byte: f64,
    /// The keys of JSON objects (`"key":`), most frequent first.
    pub json_keys: Vec<Counted>,
    /// Other text, most frequent first.
    pub strings: Vec<Counted>,
    /// How many values that look like secrets were masked; none if all are shown as they are.
    pub masked_values: Option<u64>,
}

/// A text, and how often it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The text.
    pub text: String,
    /// At least so often.
    pub count: u64,
}

/// Pages of a process that lie side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageRun {
    /// The address of the first.
    pub address: u64,
    /// How many there are.
    pub pages: u64,
}
