//! What `pagetrace top` shows: tables made of looks, their history, and what keys do to them.

mod detail;
mod history;
mod tables;
#[cfg(test)]
mod tests;
mod view;

pub use detail::detail;
pub use history::{History, Point};
pub use tables::Tables;
pub use view::View;
