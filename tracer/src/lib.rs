//! pagetrace: finds who took the kernel pages that no counter shows.
//!
//! Data flows one way through the rooms: [`kernel`] reads what the kernel says
//! about itself, [`bpf`] records a window of page allocations, [`symbols`] names
//! the addresses, [`analysis`] makes a [`model::Report`] of it all, and
//! [`render`] writes it out. [`commands`] leads through them as [`cli`] says.

pub mod analysis;
pub mod bpf;
pub mod cli;
pub mod commands;
pub mod kernel;
pub mod model;
pub mod render;
pub mod symbols;
