//! What holds page frames that no counter shows, found by following the kernel's own pointers: pipes,
//! sockets and their queues, rings. References to page frames are collected as the kernel counts them.
//!
//! Everything here reads memory that others change meanwhile. What is read is checked before it is
//! believed, every walk has a bound, and two walks are compared ([`crate::model::Found::confirmed_by`]).

mod files;
mod join;
mod layouts;
mod packets;
mod pipes;
mod places;
mod queues;
mod referrers;
mod registered;
mod ring_buffers;
mod rings;
#[cfg(test)]
mod sample;
mod slab_reader;
mod slabs;
mod socket_state;
mod sockets;
mod softnet;
mod tasks;
mod tun;
mod walk;
mod xdp;

pub use join::Join;
pub use layouts::ObjectLayouts;
pub use places::Places;
pub use referrers::{Referrers, referrers};
pub use slabs::Slabs;
pub use walk::{Own, walk};
