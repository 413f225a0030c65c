//! The options that say what to record; the kernel side tests them before it
//! does anything else.

use std::{fmt, ops::RangeInclusive, path::PathBuf};

use super::values;
use crate::model::Scope;

/// Where these options are in the help.
const HEADING: &str = "What to record";

/// What to record.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = HEADING)]
pub struct FilterArgs {
    /// Which pages: `kernel` skips movable ones (anonymous memory, page cache, shmem)
    #[arg(long, default_value = "kernel", value_parser = values::choice::<Scope>())]
    pub scope: Scope,

    /// Only allocations of these orders: `3` and above, `2..4`, or `3..3` for one
    #[arg(long, value_name = "MIN[..MAX]", value_parser = values::orders)]
    pub order: Option<RangeInclusive<u32>>,

    /// Only allocations with all of these gfp flags, and without those after a `!`; as
    /// `GFP_ATOMIC,!__GFP_COMP`
    #[arg(long, value_name = "[!]FLAG,...", value_delimiter = ',', value_parser = values::gfp_flag)]
    pub gfp: Vec<GfpFlag>,

    /// Only allocations by this process, all its threads, and by interrupts on top of it; an id as
    /// seen from here
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,

    /// Only allocations by tasks in this cgroup (v2, its directory) and below, and by interrupts
    /// on top of them
    #[arg(long, value_name = "PATH")]
    pub cgroup: Option<PathBuf>,

    /// Only pages on this NUMA node
    #[arg(long, value_name = "N")]
    pub node: Option<u32>,
}

/// A gfp flag that allocations must have, or must not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GfpFlag {
    /// Its name in the kernel.
    pub name: String,
    /// Whether it must not be there.
    pub excluded: bool,
}

impl FilterArgs {
    /// The options that narrow the scope down, as they can be typed.
    pub fn spelled(&self) -> Vec<String> {
        let gfp: Vec<_> = self.gfp.iter().map(GfpFlag::to_string).collect();
        let options = [
            self.order
                .as_ref()
                .map(|orders| format!("--order {}..{}", orders.start(), orders.end())),
            (!gfp.is_empty()).then(|| format!("--gfp {}", gfp.join(","))),
            self.pid.map(|pid| format!("--pid {pid}")),
            self.cgroup
                .as_ref()
                .map(|path| format!("--cgroup {}", path.display())),
            self.node.map(|node| format!("--node {node}")),
        ];
        options.into_iter().flatten().collect()
    }
}

impl fmt::Display for GfpFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.excluded { "!" } else { "" };
        write!(f, "{not}{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_spelled_as_typed() {
        let filters = FilterArgs {
            order: Some(2..=3),
            gfp: ["GFP_ATOMIC", "!__GFP_COMP"]
                .map(|flag| values::gfp_flag(flag).expect("a flag"))
                .into(),
            pid: Some(7),
            node: Some(0),
            ..FilterArgs::default()
        };
        let expected = [
            "--order 2..3",
            "--gfp GFP_ATOMIC,!__GFP_COMP",
            "--pid 7",
            "--node 0",
        ];
        assert_eq!(filters.spelled(), expected);
        assert!(FilterArgs::default().spelled().is_empty());
    }
}
