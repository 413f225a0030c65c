//! Owners of stacks without names.

/// The owner of each of these stacks, which are in order: its first frame that is not of
/// the allocator.
///
/// All ways to the allocator end in its frames, so these are what many stacks have in
/// common. The owner is the first frame up to which no more than one in sixteen stacks
/// are the same. Where there are so few, up to which none is.
pub(super) fn owners(stacks: &[&[u64]]) -> Vec<Option<usize>> {
    const PART: usize = 16;
    let few = 1.max(stacks.len() / PART);
    let owner = |stack: &&[u64]| {
        let outermost = stack.len().checked_sub(1)?;
        let is_own = |&frame: &usize| alike(stacks, &stack[..=frame]) <= few;
        Some((0..outermost).find(is_own).unwrap_or(outermost))
    };
    stacks.iter().map(owner).collect()
}

/// How many stacks begin with these frames.
fn alike(stacks: &[&[u64]], frames: &[u64]) -> usize {
    let beginning = |stack: &&[u64]| stack[..frames.len().min(stack.len())].cmp(frames);
    let before = stacks.partition_point(|stack| beginning(stack).is_lt());
    let not_after = stacks.partition_point(|stack| beginning(stack).is_le());
    not_after - before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owning(stacks: &[&[u64]]) -> Vec<u64> {
        let owners = owners(stacks).into_iter().zip(stacks);
        owners
            .filter_map(|(owner, stack)| stack.get(owner?).copied())
            .collect()
    }

    #[test]
    fn owners_are_told_apart_beyond_what_is_common() {
        let stacks: [&[u64]; 4] = [
            &[1, 2, 3, 40, 5],
            &[1, 2, 3, 41, 5],
            &[1, 2, 6, 42, 5],
            &[1, 7, 43],
        ];
        assert_eq!(owning(&stacks), [40, 41, 6, 7]);
    }

    #[test]
    fn a_function_that_is_called_from_everywhere_is_no_owner() {
        // Every third stack goes by frame 8, each from elsewhere; a pipe is written two ways.
        let mut stacks: Vec<_> = (100..200)
            .map(|caller| vec![1, if caller % 3 == 0 { 8 } else { caller }, caller, 9])
            .collect();
        stacks.extend([vec![1, 8, 50, 60], vec![1, 8, 50, 61]]);
        stacks.sort();
        let stacks: Vec<_> = stacks.iter().map(Vec::as_slice).collect();
        let owners = owning(&stacks);
        assert!(!owners.contains(&8) && !owners.contains(&1), "{owners:?}");
        assert_eq!(owners.iter().filter(|&&it| it == 50).count(), 2);
    }

    #[test]
    fn a_stack_that_others_go_on_from_has_an_owner() {
        assert_eq!(owning(&[&[1, 2], &[1, 2, 3]]), [2, 3]);
        assert_eq!(owners(&[&[]]), [None]);
    }
}
