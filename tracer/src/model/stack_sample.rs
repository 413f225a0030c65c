//! Pages of a call site that are alike in all that a report says of them.

use super::Kind;

/// Pages of one call site that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackSample {
    /// The index of the site in the report.
    pub site: usize,
    /// What they are.
    pub kind: Kind,
    /// The order of their allocation.
    pub order: u32,
    /// The gfp flags of their allocation, in the values of that kernel; none if they are not known.
    pub gfp: Option<u32>,
    /// Who has them: an index into the site's `held_by`; none of nobody that was found.
    pub holder: Option<usize>,
    /// How many they are.
    pub pages: u64,
}
