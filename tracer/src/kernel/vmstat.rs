//! `/proc/vmstat`: one counter a line.

use std::collections::BTreeMap;

/// Every counter, by name.
pub fn counters(vmstat: &str) -> BTreeMap<String, u64> {
    let pair = |line: &str| {
        let (name, number) = line.split_once(' ')?;
        Some((name.to_owned(), number.trim().parse().ok()?))
    };
    vmstat.lines().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_is_a_name_and_a_number() {
        let counters = super::counters("nr_zspages 7\nbroken\noom_kill x\nnr_free_cma 0\n");
        let counters: Vec<_> = counters
            .iter()
            .map(|(name, &count)| (name.as_str(), count))
            .collect();
        assert_eq!(counters, [("nr_free_cma", 0), ("nr_zspages", 7)]);
    }
}
