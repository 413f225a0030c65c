//! pagetrace
fn main() {}
