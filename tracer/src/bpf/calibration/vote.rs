//! Which base explains the pages: pure, without a kernel.

use std::collections::{BTreeSet, HashMap};

/// What the base is a multiple of.
///
/// x86-64 has it at a constant place or moves it by whole gigabytes, with four
/// and with five levels of page tables (`kernel_randomize_memory`,
/// arch/x86/mm/kaslr.c). arm64 has memory begin at a multiple of 512 MiB at least, whose page structs
/// take 512 KiB with pages of 64 KiB (`ARM64_MEMSTART_ALIGN`, arch/arm64/include/asm/kernel-pgtable.h;
/// `vmemmap`, arch/arm64/include/asm/pgtable.h).
const ALIGNMENT: u64 = if cfg!(target_arch = "x86_64") {
    1 << 30
} else {
    512 << 10
};

/// No base explains the pages.
const NO_ARRAY: &str =
    "the page structs of this kernel do not lie in one array (SPARSEMEM_VMEMMAP)";

/// The address of the `struct page` of page frame 0 under which nearly all of
/// `frames` have theirs among `pointers`; why not, if there is none or another
/// place explains them nearly as well.
///
/// Each pair of a frame and a pointer votes for the base under which they belong
/// together. Only distinct ones do: a page that is taken again and again must not
/// vote each time.
pub(super) fn vote(
    frames: &[u64],
    pointers: &[u64],
    page_struct_size: u64,
) -> Result<u64, &'static str> {
    let frames: BTreeSet<_> = frames.iter().collect();
    let pointers: BTreeSet<_> = pointers.iter().collect();
    let mut votes: HashMap<u64, usize> = HashMap::new();
    for &&frame in &frames {
        let offset = frame.wrapping_mul(page_struct_size);
        let bases = pointers.iter().map(|pointer| pointer.wrapping_sub(offset));
        for base in bases.filter(|base| base % ALIGNMENT == 0) {
            *votes.entry(base).or_insert(0) += 1;
        }
    }
    elected(&votes, frames.len())
}

/// The base that nine in ten frames are for, and no other base half as many.
fn elected(votes: &HashMap<u64, usize>, frames: usize) -> Result<u64, &'static str> {
    let most = votes.iter().max_by_key(|&(_, &count)| count);
    let (&base, &most) = most.ok_or(NO_ARRAY)?;
    if most * 10 < frames * 9 {
        return Err(NO_ARRAY);
    }
    let others = votes.iter().filter(|&(&other, _)| other != base);
    let next = others.map(|(_, &count)| count).max().unwrap_or(0);
    if next * 2 >= most {
        return Err("two places of the array of page structs would explain the pages taken");
    }
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0xffff_ea00_0000_0000;

    fn pointers(frames: impl IntoIterator<Item = u64>) -> Vec<u64> {
        frames.into_iter().map(|frame| BASE + frame * 64).collect()
    }

    fn scattered() -> Vec<u64> {
        (0..96).map(|i| i * i * 31 + 7).collect()
    }

    #[test]
    fn neighbours_among_strangers_are_found() {
        let frames: Vec<_> = (1000..1096).collect();
        let seen = pointers((0..4000).map(|i| i * 37 % 5000));
        let seen = [seen, pointers(frames.iter().copied())].concat();
        assert_eq!(vote(&frames, &seen, 64), Ok(BASE));
    }

    #[test]
    fn scattered_frames_are_found() {
        assert_eq!(vote(&scattered(), &pointers(scattered()), 64), Ok(BASE));
    }

    #[test]
    fn a_page_that_is_taken_again_and_again_has_one_vote() {
        let frames: Vec<_> = (1000..1096).collect();
        let own = pointers(frames.iter().copied());
        // The second is as far from one of ours as another array could be.
        for foreign in [5000, 1050 + ALIGNMENT / 64] {
            let seen = [&own[..], &pointers([foreign; 4096])].concat();
            assert_eq!(vote(&frames, &seen, 64), Ok(BASE), "{foreign}");
        }
    }

    #[test]
    fn a_base_that_cannot_be_is_not_believed() {
        let moved: Vec<_> = pointers(1000..1096).iter().map(|it| it + 8).collect();
        assert_eq!(vote(&Vec::from_iter(1000..1096), &moved, 64), Err(NO_ARRAY));
    }

    #[test]
    fn two_bases_that_explain_the_pages_are_one_too_many() {
        let frames: Vec<_> = (1000..1096).collect();
        let twins = frames.iter().map(|frame| frame + ALIGNMENT / 64);
        let seen = pointers(frames.iter().copied().chain(twins));
        let refused = vote(&frames, &seen, 64).expect_err("either could be it");
        assert!(refused.contains("two places"), "{refused}");
    }

    #[test]
    fn pointers_of_other_pages_prove_nothing() {
        let others = pointers((0..96).map(|i| i * i * 17));
        assert_eq!(vote(&scattered(), &others, 64), Err(NO_ARRAY));
        assert_eq!(vote(&scattered(), &[], 64), Err(NO_ARRAY));
        assert_eq!(vote(&[], &pointers(scattered()), 64), Err(NO_ARRAY));
    }
}
