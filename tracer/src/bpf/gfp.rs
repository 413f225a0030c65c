//! The gfp flags by which programs tell user memory from other movable pages.

use crate::kernel::btf::Btf;

/// Values in the running kernel (include/linux/gfp_types.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovableGfp {
    /// What all user memory is taken with: it may wait for I/O, as zsmalloc may not.
    pub user: u32,
    /// The flags to look at to tell balloons from user memory.
    pub balloon_mask: u32,
    /// Those of them that pages of balloons are taken with.
    pub balloon: u32,
}

impl MovableGfp {
    /// As BTF tells since Linux 6.10; before, the values were the same for years.
    pub(super) fn of(btf: Option<&Btf<'_>>) -> Self {
        let flag = |name, before: u32| {
            let bit = btf.and_then(|btf| btf.enumerator(name).ok());
            bit.map_or(before, |bit| 1_u32.checked_shl(bit).unwrap_or(0))
        };
        let io = flag("___GFP_IO_BIT", 0x40);
        let reclaim = flag("___GFP_DIRECT_RECLAIM_BIT", 0x400);
        let compound = flag("___GFP_COMP_BIT", 0x4_0000);
        let no_reserves = flag("___GFP_NOMEMALLOC_BIT", 0x8_0000);
        // Huge pages are compound, and pages to migrate to are taken without reclaim.
        Self {
            user: io,
            balloon_mask: reclaim | compound | no_reserves,
            balloon: reclaim | no_reserves,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `GFP_HIGHUSER_MOVABLE` of Linux 5.10 to 7.2.
    const USER: u32 = 0x10_0cca;
    const NOWARN: u32 = 0x2000;
    const NORETRY: u32 = 0x1_0000;
    const COMP: u32 = 0x4_0000;
    const NOMEMALLOC: u32 = 0x8_0000;

    #[test]
    fn user_memory_is_told_from_other_movable_pages() {
        let known = MovableGfp::of(None);
        let is_user =
            |gfp: u32| gfp & known.user == known.user && gfp & known.balloon_mask != known.balloon;
        // Anonymous memory, read-ahead in the middle of a transaction, a huge page.
        assert!(is_user(USER) && is_user(USER & !0x80 | NORETRY | NOWARN));
        assert!(is_user(USER | COMP | NOMEMALLOC | NOWARN));
        // A page that NUMA balancing moves another to.
        assert!(is_user(USER & !0xc00 | NOMEMALLOC | NORETRY | NOWARN));
        // zram: GFP_NOIO|__GFP_HIGHMEM|__GFP_MOVABLE|__GFP_NOWARN, and with cpusets.
        assert!(!is_user(0xc0a | NOWARN) && !is_user(0xc0a | NOWARN | 0x10_0000));
        // A balloon.
        assert!(!is_user(USER | NOMEMALLOC | NORETRY | NOWARN));
    }
}
