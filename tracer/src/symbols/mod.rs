//! Symbols: from kernel addresses to functions, modules, files and lines.

mod kernel;
mod vmlinux;

pub use kernel::KernelSymbols;
pub use vmlinux::Vmlinux;
