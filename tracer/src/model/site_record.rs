//! A site as the programs recorded it.

use super::HeldPages;

/// What the kernel wrote down about one site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteRecord {
    /// Return addresses, innermost first, the tracer's own among the first.
    /// Empty for pages whose stack is not known.
    pub frames: Vec<u64>,
    /// The order of every allocation of this site.
    pub order: u32,
    /// The gfp flags of every allocation of this site; none if they are not known.
    pub gfp: Option<u32>,
    /// Process id and name of the task that came here first, if known.
    pub first_seen: Option<(u32, String)>,
    /// Id of the process or cgroup that took all of the pages, if takers are told apart; in an
    /// interrupt, whoever it came on top of.
    pub taker: Option<u64>,
    /// Pages ever recorded for this site, the freed ones included.
    pub allocated_pages: u64,
    /// Who has its pages now, as of [`Site`](super::Site).
    pub held_by: Vec<HeldPages>,
    /// Whether the kernel's record does not match the key that the site is found by: there
    /// are no frames then, and the order is a guess.
    pub is_mismatched: bool,
}
