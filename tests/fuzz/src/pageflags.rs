//! A free page is free whatever else is set, and a page without flags is nobody's.

use pagetrace::{kernel::pageflags::PageFlags, model::PageState};

/// `KPF_BUDDY` of include/uapi/linux/kernel-page-flags.h.
const BUDDY: u64 = 1 << 10;

pub(crate) fn check(data: &[u8]) {
    assert_eq!(PageFlags(0).state(), PageState::Unmarked);
    for entry in data.as_chunks::<8>().0 {
        let flags = u64::from_ne_bytes(*entry);
        let is_free = PageFlags(flags).state() == PageState::Free;
        assert_eq!(is_free, flags & BUDDY != 0, "{flags:#x}");
        assert_eq!(PageFlags(flags | BUDDY).state(), PageState::Free);
        // Each state comes from one flag that is set, or from two.
        let state = PageFlags(flags).state();
        let tells =
            |one: u32, other: u32| PageFlags(flags & (1 << one | 1 << other)).state() == state;
        let told = (0..64).any(|one| (one..64).any(|other| tells(one, other)));
        assert!(told, "{flags:#x}");
    }
}
