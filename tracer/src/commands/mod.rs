//! One file or folder per verb: asks `kernel` and `bpf`, has it analysed, has it
//! rendered. The only asynchronous code.

mod answer;
mod browser;
pub mod check;
mod destination;
pub mod diff;
pub mod doctor;
mod exchange;
mod explain;
pub mod holders;
mod holding;
mod interruption;
mod live;
pub mod mem;
mod outputs;
mod page;
mod page_frames;
pub mod pages;
pub mod proc;
mod push;
mod recorder;
pub mod report;
pub mod serve;
pub mod shm;
pub mod snapshot;
pub mod sock;
mod take;
pub mod top;
pub mod trace;

use libc::{c_int, sighandler_t};

/// From here on, to write more than `ulimit -f` allows is an error, and not the end of this process.
/// That the signal is ignored would be true of the traced command, too; a handler is not.
pub fn outlive_file_size_limit() {
    extern "C" fn nothing(_signal: c_int) {}
    let handler = nothing as extern "C" fn(c_int) as sighandler_t;
    // SAFETY: a handler that does nothing may run at any moment.
    unsafe { libc::signal(libc::SIGXFSZ, handler) };
}
