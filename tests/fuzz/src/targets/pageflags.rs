//! A free page is free whatever else is set, and a page without flags is nobody's.

use crate::kernel::pageflags::{PageFlags, PageState};

/// `KPF_BUDDY` of include/uapi/linux/kernel-page-flags.h.
const BUDDY: u64 = 1 << 10;

pub(super) fn check(data: &[u8]) {
    assert_eq!(PageFlags(0).state(), PageState::Unmarked);
    for entry in data.as_chunks::<8>().0 {
        let flags = u64::from_ne_bytes(*entry);
        let is_free = PageFlags(flags).state() == PageState::Free;
        assert_eq!(is_free, flags & BUDDY != 0, "{flags:#x}");
        assert_eq!(PageFlags(flags | BUDDY).state(), PageState::Free);
        // Each state comes from some flag that is set.
        let single = |bit| PageFlags(flags & (1_u64 << bit)).state();
        let state = PageFlags(flags).state();
        assert!((0..64).any(|bit| single(bit) == state), "{flags:#x}");
    }
}
