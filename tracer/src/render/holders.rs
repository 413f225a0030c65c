//! Known holders of memory: the largest of each in its row, and what stands beside the tree.

use std::cmp::Reverse;

use super::{escape::harmless, table::Extent, text, tree::Row};
use crate::model::{Certainty, HolderPart, KnownHolder};

/// What stands behind the row of a holder: `tcpdump (pid 4711), netns blue`.
pub(super) fn largest(holders: &[KnownHolder], row: &Row<'_>) -> Option<String> {
    let mut holders = holders.iter();
    let holder =
        holders.find(|it| it.certainty == Certainty::Exact && it.kind.name() == row.name)?;
    let part = holder.parts.first()?;
    let name = harmless(&part.name);
    Some(match holder.count {
        1 => name.into_owned(),
        count => {
            let others = text::count(count - 1);
            format!("{} {name}, and {others} more", text::bytes(part.bytes))
        }
    })
}

/// What may hold some of the memory, or holds what is counted elsewhere, a line each: `In sockets
/// at most 12.00 MiB, some of it slab: 8.00 MiB tcp 127.0.0.1:80, nginx (pid 7)`.
pub(super) fn beside(holders: &[KnownHolder], extent: Extent, smallest: u64) -> Vec<String> {
    let mut holders: Vec<_> = holders.iter().collect();
    holders.retain(|it| it.certainty != Certainty::Exact && it.bytes > smallest);
    holders.sort_by_key(|it| Reverse(it.bytes));
    let (lines, parts) = if extent.whole {
        (usize::MAX, extent.top)
    } else {
        (2, 1)
    };
    let holders = holders.into_iter().take(lines);
    holders.map(|holder| one(holder, parts)).collect()
}

fn one(holder: &KnownHolder, parts: usize) -> String {
    let (name, bytes) = (holder.kind.name(), text::bytes(holder.bytes));
    let bound = match holder.certainty {
        Certainty::AtMost => "at most ",
        Certainty::Exact | Certainty::Counted => "",
    };
    let overlap = holder
        .overlap()
        .map(|it| format!(", {it}"))
        .unwrap_or_default();
    let parts: Vec<_> = holder.parts.iter().take(parts).map(part).collect();
    format!("In {name} {bound}{bytes}{overlap}: {}", parts.join(", "))
}

fn part(part: &HolderPart) -> String {
    format!("{} {}", text::bytes(part.bytes), harmless(&part.name))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::model::HolderKind;

    const MIB: u64 = 1 << 20;

    fn holder(kind: HolderKind, certainty: Certainty, parts: &[(u64, &str)]) -> KnownHolder {
        let parts = parts.iter().map(|&(mib, name)| (mib * MIB, name));
        let named = |name: &&str| (*name).to_owned();
        KnownHolder::of(kind, certainty, "source", parts, named).expect("some memory")
    }

    fn rings(parts: &[(u64, &str)]) -> Option<String> {
        let rings = holder(HolderKind::PacketRings, Certainty::Exact, parts);
        let row = Row {
            branch: String::new(),
            depth: 2,
            name: Cow::Borrowed("AF_PACKET rings"),
            field: "packet_diag",
            bytes: 0,
        };
        largest(&[rings], &row)
    }

    #[test]
    fn the_largest_of_a_kind_is_named() {
        let one = rings(&[(64, "tcpdump (pid 4711)")]);
        assert_eq!(one.as_deref(), Some("tcpdump (pid 4711)"));
        let three = rings(&[(1, "a"), (64, "\x1b[31mb"), (2, "c")]);
        assert_eq!(three.as_deref(), Some("64.00 MiB \\u{1b}[31mb, and 2 more"));
    }

    #[test]
    fn what_is_uncertain_says_so() {
        let holders = [
            holder(HolderKind::Zram, Certainty::Counted, &[(8, "zram0")]),
            holder(
                HolderKind::Sockets,
                Certainty::AtMost,
                &[(4, "unix"), (8, "tcp [::1]:80, nginx (pid 7)")],
            ),
            holder(HolderKind::PacketRings, Certainty::Exact, &[(64, "a")]),
            holder(HolderKind::Pipes, Certainty::AtMost, &[(1, "cat (pid 9)")]),
        ];
        let (top, whole) = (5, false);
        let lines = beside(&holders, Extent { top, whole }, 2 * MIB);
        let expected = [
            "In sockets at most 12.00 MiB, some of it slab: 8.00 MiB tcp [::1]:80, nginx (pid 7)",
            "In zram 8.00 MiB, counted in nr_zspages: 8.00 MiB zram0",
        ];
        assert_eq!(lines, expected);
        let all = beside(&holders, Extent { top, whole: true }, 0);
        assert_eq!(all.len(), 3);
        assert!(all[0].ends_with(", 4.00 MiB unix"), "{}", all[0]);
    }
}
