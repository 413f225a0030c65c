//! A free page is free whatever else is set, a page without flags is nobody's, and flags
//! that tell nothing change nothing.

use pagetrace::{kernel::pageflags::PageFlags, model::PageState};

/// `KPF_BUDDY` of include/uapi/linux/kernel-page-flags.h.
const BUDDY: u64 = 1 << 10;

/// `KPF_ERROR`, `KPF_DIRTY`, `KPF_WRITEBACK`, `KPF_RECLAIM`, `KPF_HEAD`, `KPF_TAIL`, numbers
/// that no kernel uses, and those from 44 on, of which `KPF_ANON_EXCLUSIVE` is one.
const TELL_NOTHING: u64 =
    1 << 1 | 1 << 4 | 1 << 8 | 1 << 9 | 1 << 15 | 1 << 16 | 0x1f << 27 | u64::MAX << 44;

pub(crate) fn check(data: &[u8]) {
    assert_eq!(PageFlags(0).state(), PageState::Unmarked);
    for entry in data.as_chunks::<8>().0 {
        let flags = u64::from_ne_bytes(*entry);
        let state = PageFlags(flags).state();
        assert_eq!(state == PageState::Free, flags & BUDDY != 0, "{flags:#x}");
        assert_eq!(PageFlags(flags | BUDDY).state(), PageState::Free);
        assert_eq!(
            PageFlags(flags & !TELL_NOTHING).state(),
            state,
            "{flags:#x}"
        );
    }
}
