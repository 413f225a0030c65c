//! Pages that are taken and given back on all CPUs, in tasks and in interrupts.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    net::{Ipv4Addr, UdpSocket},
    os::unix::net::UnixDatagram,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::param::page_size;

use super::{Held, Pipe, own_network, payload};
use crate::announcement::Announcement;

/// `leak churn`
#[derive(clap::Args)]
pub struct Churn {
    /// How long it lasts
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
}

/// One thing that is done over and over. It gives the pages of data it moved.
type Operation = fn(&mut Tools) -> io::Result<u64>;

impl Churn {
    /// Runs on all CPUs for its time; everything is given back when it ends.
    pub fn take(&self) -> io::Result<Held> {
        const OPERATIONS: [Operation; 5] = [udp, udp, pipe_and_datagram, file, process];
        let end = Instant::now() + Duration::from_secs(self.seconds);
        let pages = &AtomicU64::new(0);
        thread::scope(|scope| {
            let workers =
                OPERATIONS.map(|operation| scope.spawn(move || repeat(operation, end, pages)));
            let results = workers.map(|worker| worker.join().expect("no panic"));
            results.into_iter().collect::<io::Result<()>>()
        })?;
        Ok(Held::new(
            Announcement::released(pages.load(Ordering::Relaxed)),
            (),
        ))
    }
}

fn repeat(operation: Operation, end: Instant, pages: &AtomicU64) -> io::Result<()> {
    let mut tools = Tools::new()?;
    while Instant::now() < end {
        pages.fetch_add(operation(&mut tools)?, Ordering::Relaxed);
    }
    Ok(())
}

/// What a worker needs, opened once.
struct Tools {
    sender: UdpSocket,
    receiver: UdpSocket,
    datagrams: (UnixDatagram, UnixDatagram),
    file: File,
    payload: Vec<u8>,
}

/// Pages moved at once: the largest datagram that loopback takes whole, nearly, which is one of 64 KiB.
fn pages() -> usize {
    (60 << 10) / page_size()
}

impl Tools {
    fn new() -> io::Result<Self> {
        own_network::enter()?;
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let (sender, receiver) = (bind()?, bind()?);
        sender.connect(receiver.local_addr()?)?;
        Ok(Self {
            sender,
            receiver,
            datagrams: UnixDatagram::pair()?,
            file: tempfile::tempfile()?,
            payload: payload(pages()),
        })
    }
}

/// A datagram through the softirq of loopback.
fn udp(tools: &mut Tools) -> io::Result<u64> {
    tools.sender.send(&tools.payload)?;
    tools.receiver.recv(&mut tools.payload)?;
    Ok(pages() as u64)
}

/// Raw pages: a pipe filled and closed, a datagram sent and read.
fn pipe_and_datagram(tools: &mut Tools) -> io::Result<u64> {
    Pipe::open(pages())?.fill(&tools.payload)?;
    tools.datagrams.0.send(&tools.payload)?;
    tools.datagrams.1.recv(&mut tools.payload)?;
    Ok(2 * pages() as u64)
}

fn file(tools: &mut Tools) -> io::Result<u64> {
    tools.file.rewind()?;
    tools.file.write_all(&tools.payload)?;
    tools.file.sync_data()?;
    tools.file.rewind()?;
    tools.file.read_exact(&mut tools.payload)?;
    tools.file.set_len(0)?;
    Ok(pages() as u64)
}

/// A process that ends at once: page tables, a kernel stack, slabs.
fn process(_: &mut Tools) -> io::Result<u64> {
    // SAFETY: the child does nothing but end.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: it ends the child without running anything of the parent's.
        0 => unsafe { libc::_exit(0) },
        child => {
            // SAFETY: no status is asked for.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
            Ok(0)
        }
    }
}
