//! Pairs of pseudoterminals, each end with a buffer of the terminal's line discipline.

use std::{fs, io, os::fd::OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::Held;
use crate::announcement::Announcement;

/// `leak ptys`
#[derive(clap::Args)]
pub struct Ptys {
    /// How many pairs
    #[arg(long, default_value_t = 200)]
    pub count: usize,
}

impl Ptys {
    /// Opens the pairs and keeps them.
    ///
    /// The size of a buffer is the kernel's business, so the kernel is asked for it.
    pub fn take(&self) -> io::Result<Held> {
        let pairs = (0..self.count)
            .map(|_| pair())
            .collect::<io::Result<Vec<_>>>()?;
        let buffers = terminal_buffers()?;
        let size = buffers.first().ok_or_else(no_buffer)?;
        let pages = 2 * self.count as u64 * size;
        Ok(Held::new(Announcement::holding(pages), pairs))
    }
}

/// The pages of each buffer that the line disciplines of this machine's terminals
/// have, as the kernel lists its virtually contiguous memory.
pub fn terminal_buffers() -> io::Result<Vec<u64>> {
    let areas = fs::read_to_string("/proc/vmallocinfo")?;
    Ok(buffers(&areas))
}

fn buffers(areas: &str) -> Vec<u64> {
    let opened = areas.lines().filter(|area| area.contains(" n_tty_open+"));
    opened.filter_map(pages).collect()
}

fn pages(area: &str) -> Option<u64> {
    let mut fields = area.split_ascii_whitespace();
    fields.find_map(|field| field.strip_prefix("pages=")?.parse().ok())
}

fn no_buffer() -> io::Error {
    io::Error::other("/proc/vmallocinfo lists no buffer of a terminal")
}

/// Opening one end makes both.
///
/// `openat2`, because hardly any program opens a terminal with it: see `Pipe::fill`.
fn pair() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let (mode, resolve) = (Mode::empty(), ResolveFlags::empty());
    Ok(openat2(CWD, "/dev/ptmx", flags, mode, resolve)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_an_area_of_the_line_discipline() {
        let areas = "0x1-0x2 20480 irq_init_percpu_irqstack+0xca/0x100 vmap\n\
                     0x3-0x4 16384 n_tty_open+0x14/0xa0 pages=3 vmalloc N0=3\n\
                     0x5-0x6 20480 dup_task_struct+0x5b/0x1b0 pages=4 vmalloc N0=4\n";
        assert_eq!(buffers(areas), [3]);
    }
}
