//! How memory changed between two balances.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::model::{Growth, Line};

/// What changed, most first: of each line without parts, then and now.
pub fn growth(before: &Line, after: &Line) -> Vec<Growth> {
    let mut lines = BTreeMap::<_, [Option<i64>; 2]>::new();
    for (tree, is_after) in [(before, false), (after, true)] {
        for leaf in tree.lines().filter(|line| line.parts.is_empty()) {
            let line = lines.entry((&leaf.field, &leaf.name)).or_default();
            line[usize::from(is_after)] = Some(leaf.bytes);
        }
    }
    let line = |((field, name), bytes): ((&String, &String), [Option<i64>; 2])| Growth {
        name: name.clone(),
        field: field.clone(),
        before_bytes: bytes[0],
        after_bytes: bytes[1],
    };
    let mut growth: Vec<_> = lines.into_iter().map(line).collect();
    growth.sort_by_key(|line| Reverse(line.bytes().unsigned_abs()));
    growth
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(leaves: &[(&str, i64)]) -> Line {
        let leaf = |&(name, bytes): &(&str, i64)| Line {
            name: name.to_owned(),
            bytes,
            ..Line::default()
        };
        Line {
            parts: leaves.iter().map(leaf).collect(),
            ..Line::default()
        }
    }

    #[test]
    fn the_largest_change_comes_first_whichever_way_it_goes() {
        let before = tree(&[("free", 100), ("slab", 7), ("gone", 1)]);
        let after = tree(&[("free", 40), ("slab", 7), ("new", 59)]);
        let growth = growth(&before, &after);
        let changes: Vec<_> = growth
            .iter()
            .map(|line| (line.name.as_str(), line.bytes()))
            .collect();
        assert_eq!(
            changes,
            [("free", -60), ("new", 59), ("gone", -1), ("slab", 0)]
        );
        assert_eq!(growth[1].before_bytes, None);
    }
}
