//! Sums of pages by who has them.

use std::cmp::Reverse;

use crate::model::HeldPages;

/// Adds pages to those of the same holders; most pages come first.
pub(super) fn add(sums: &mut Vec<HeldPages>, more: &[HeldPages]) {
    for held in more {
        match sums.iter_mut().find(|sum| sum.holder == held.holder) {
            Some(sum) => sum.pages = sum.pages.saturating_add(held.pages),
            None => sums.push(held.clone()),
        }
    }
    sums.sort_by_key(|held| Reverse(held.pages));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(holder: &str, pages: u64) -> HeldPages {
        HeldPages {
            holder: holder.to_owned(),
            key: String::new(),
            pages,
        }
    }

    #[test]
    fn pages_of_one_holder_are_added_up() {
        let mut sums = vec![held("a", 5)];
        add(&mut sums, &[held("b", 4), held("a", 1)]);
        add(&mut sums, &[held("b", 3)]);
        assert_eq!(sums, [held("b", 7), held("a", 6)]);
    }
}
