//! Hosts larger than the one that tests run on: their slot tables, and the sites
//! of a machine that has forgotten more pages than anybody would like.

mod crowd;
mod memory;
mod table;

pub use crowd::{Crowd, Spent};
pub use memory::peak_bytes;
pub use table::{Fill, Raw, Table};
