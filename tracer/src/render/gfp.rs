//! gfp flags by their names.

use std::{cmp::Reverse, collections::BTreeMap};

/// Flags as the kernel prints them, `GFP_KERNEL|__GFP_COMP`: names of several flags first, what has no
/// name in hexadecimal digits (`trace_print_flags_seq` in kernel/trace/trace_output.c).
pub(super) fn names(flags: u32, known: &BTreeMap<String, u32>) -> String {
    let mut known: Vec<_> = known.iter().filter(|(_, value)| **value != 0).collect();
    known.sort_by_key(|(_, value)| Reverse(value.count_ones()));
    let mut left = flags;
    let mut names = Vec::new();
    for (name, &value) in known {
        if left & value == value {
            names.push(name.clone());
            left &= !value;
        }
    }
    if left != 0 || names.is_empty() {
        names.push(format!("{left:#x}"));
    }
    names.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_named_as_the_kernel_does() {
        let known = [
            ("GFP_KERNEL", 0xcc0),
            ("__GFP_IO", 0x40),
            ("__GFP_COMP", 0x4_0000),
            ("GFP_NONE", 0),
        ];
        let known = known.map(|(name, value)| (name.to_owned(), value)).into();
        assert_eq!(names(0x4_0cc0, &known), "GFP_KERNEL|__GFP_COMP");
        assert_eq!(names(0x40, &known), "__GFP_IO");
        assert_eq!(names(0x8_0040, &known), "__GFP_IO|0x80000");
        assert_eq!(names(0, &known), "0x0");
        assert_eq!(names(0xcc0, &BTreeMap::new()), "0xcc0");
    }
}
