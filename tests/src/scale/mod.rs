//! Hosts larger than the one that tests run on: their slot tables, and the sites
//! of a machine that has forgotten more pages than anybody would like.

mod memory;
mod page_structs;
mod synthetic_sites;
mod table;

pub use memory::peak_bytes;
pub use page_structs::PageStructs;
pub use synthetic_sites::{Steps, SyntheticSites};
pub use table::{Fill, Raw, Table};
