//! A network namespace of a test's own.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{fd::AsRawFd as _, unix::fs::OpenOptionsExt as _},
    process::{self, Command},
    thread,
};

use crate::leaks::own_network;

/// A network with a loopback interface and no other, which lasts as long as this or a process in it.
pub struct Network(File);

impl Network {
    /// A new one.
    pub fn of_its_own() -> Self {
        let made = in_thread(|| {
            own_network::enter()?;
            own_network::current()
        });
        Self(made.expect("root may have a network of its own"))
    }

    /// Does something in it: sockets that are opened meanwhile, and processes that are started, are
    /// in it as long as they live.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        in_thread(|| {
            own_network::enter_again(&self.0).expect("root may enter it");
            work()
        })
    }

    /// Takes a network card of the machine, gives it an address such as `10.0.0.1/24`, and has it up.
    /// The card goes back to the machine when this network ends.
    pub fn take_card(&self, name: &str, address: &str) {
        let (process, descriptor) = (process::id(), self.0.as_raw_fd());
        let network = format!("/proc/{process}/fd/{descriptor}");
        ip(&["link", "set", name, "netns", &network]);
        self.within(|| ip(&["address", "add", address, "dev", name]));
        self.within(|| ip(&["link", "set", name, "up"]));
    }

    /// An Ethernet interface that is up; what is written to it has come from outside.
    pub fn tap(&self, name: &str) -> File {
        let tap = self.within(|| {
            let tap = attach(name)?;
            own_network::bring_up(name)?;
            io::Result::Ok(tap)
        });
        tap.expect("root may have an interface")
    }
}

fn ip(words: &[&str]) {
    let status = Command::new("ip").args(words).status();
    assert!(status.expect("iproute2 is there").success(), "{words:?}");
}

fn in_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join()).expect("no panic")
}

/// The interface's frames begin with Ethernet's header. The kernel copies them into blocks that it
/// divides only where nobody waits (`tun_can_build_skb`, drivers/net/tun.c).
fn attach(name: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let tap = options
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")?;
    let request = own_network::interface(name, libc::IFF_TAP | libc::IFF_NO_PI);
    // SAFETY: the kernel reads the request, and writes the name into it; it is alive until then.
    let result = unsafe { libc::ioctl(tap.as_raw_fd(), libc::TUNSETIFF, &raw const request) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(tap)
    }
}
