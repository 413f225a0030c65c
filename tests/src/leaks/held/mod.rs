//! Pages that no counter shows, held by pipes, sockets and rings in ways that are hard to see.

mod datagrams;
mod pipes;
mod raw6;
mod rings;
mod streams;
mod tap;

use std::{io, thread};

use rustix::param::page_size;

use super::{Held, Holder, Pipes};
use crate::announcement::Announcement;

/// Room for everything that one socket is sent.
const BUFFER: usize = 64 << 20;

/// `leak held`
#[derive(clap::Args)]
pub struct HeldIn {
    /// What holds the pages
    #[arg(value_enum)]
    pub kind: HeldKind,
    /// How many pipes, connections, packets, blocks or rings
    #[arg(long, default_value_t = 64)]
    pub count: usize,
}

/// What holds the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum HeldKind {
    /// Pipes of 1 MiB
    LargePipes,
    /// Two pipes that have the same 16 pages, of each pair
    Tee,
    /// Pipes of 16 pages, which were sent over a unix socket and not received
    InFlight,
    /// The same, and the socket with them was sent over another and not received
    NestedInFlight,
    /// Connections over TCP with 128 KiB each, which the listener has not accepted
    NotAccepted,
    /// A unix stream with packets of 32 KiB
    UnixStream,
    /// Datagrams of 32,000 bytes over UDP
    Udp,
    /// ICMPv6 echo replies of 20,000 bytes, made in softirqs
    Raw6,
    /// Router advertisements of 40 bytes, each of which keeps a block of 32 KiB
    Advertisements,
    /// A packet ring of blocks of 8 pages, mapped and without a descriptor
    ClosedRing,
    /// Rings of two pages
    IoUring,
    /// Packets of 32 KiB, and a header, in a tap device that nobody reads from
    Tap,
}

impl HeldKind {
    /// What user space has written of data for each of the count; none where data are not what is held.
    pub fn payload(self) -> Option<usize> {
        Some(match self {
            Self::LargePipes => 1 << 20,
            Self::InFlight | Self::NestedInFlight | Self::Tee => pipes::bytes(),
            Self::NotAccepted => streams::CONNECTION,
            Self::UnixStream => streams::PACKET,
            Self::Udp => datagrams::BYTES,
            Self::Raw6 => raw6::ECHO,
            Self::Advertisements => raw6::ADVERTISEMENT,
            Self::Tap => tap::BYTES,
            Self::ClosedRing | Self::IoUring => return None,
        })
    }

    /// Why this kernel does not let it hold pages, if so.
    pub fn refusal(self) -> Option<String> {
        match self {
            Self::IoUring => Holder::IoUring.refusal(),
            Self::Raw6 | Self::Advertisements => {
                let socket = raw6::socket();
                let error = socket.err()?;
                Some(format!("the kernel has no raw sockets of IPv6: {error}"))
            }
            Self::Tap => {
                let error = tap::open().err()?;
                Some(format!("the kernel has no tap devices: {error}"))
            }
            _ => None,
        }
    }
}

impl HeldIn {
    /// Takes the pages and keeps them.
    ///
    /// Of packets over a network, the pages that their bytes fill are announced: how these are
    /// divided among blocks is up to the kernel.
    pub fn take(&self) -> io::Result<Held> {
        let count = self.count;
        Ok(match self.kind {
            HeldKind::LargePipes => {
                let pages = (1 << 20) / page_size();
                return Pipes { count, pages }.take();
            }
            HeldKind::Tee => self.held(pipes::share(count)?),
            HeldKind::InFlight => self.held(pipes::send(count)?),
            HeldKind::NestedInFlight => self.held(pipes::send_nested(count)?),
            HeldKind::NotAccepted => self.held(in_thread(|| streams::connect(count))?),
            HeldKind::UnixStream => self.held(streams::write(count)?),
            HeldKind::Udp => self.held(in_thread(|| datagrams::send(count))?),
            HeldKind::Raw6 => self.held(in_thread(|| raw6::ask(count))?),
            HeldKind::Advertisements => self.held(in_thread(|| raw6::advertise(count))?),
            HeldKind::Tap => {
                let pages = (count * tap::DATA.div_ceil(page_size())) as u64;
                let device = in_thread(|| tap::send(count))?;
                Held::new(Announcement::holding(pages), device)
            }
            HeldKind::ClosedRing => {
                let pages = count << rings::ORDER;
                Held::new(Announcement::holding(pages as u64), rings::map(count)?)
            }
            HeldKind::IoUring => {
                let pages = count * rings::PAGES;
                Held::new(Announcement::holding(pages as u64), rings::set_up(count)?)
            }
        })
    }

    fn held(&self, keeper: impl std::any::Any) -> Held {
        let bytes = self.count * self.kind.payload().unwrap_or(0);
        let pages = bytes.div_ceil(page_size());
        Held::new(Announcement::holding(pages as u64), keeper)
    }
}

/// In a thread of its own: a task keeps the block that it took for a socket last until it ends, and
/// is in its network namespace as long.
fn in_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| scope.spawn(work).join()).expect("no panic")
}
