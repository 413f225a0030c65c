//! pagetrace: finds who took the kernel pages that no counter shows.
//!
//! Data flows one way through the rooms: [`kernel`] reads what the kernel says
//! about itself, [`capture`] records a window of page allocations, [`symbols`]
//! names the addresses, [`analysis`] makes a [`analysis::Report`] of it all,
//! and [`present`] writes it out. [`session`] leads through them as [`cli`] says.

pub mod analysis;
pub mod capture;
pub mod check;
pub mod cli;
pub mod kernel;
pub mod preflight;
pub mod present;
pub mod session;
pub mod symbols;
