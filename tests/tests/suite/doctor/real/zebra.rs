//! FRR's zebra, beside the machine's own.

use std::{
    fs,
    os::fd::{AsFd, RawFd},
    process::{Command, Stdio},
};

use pagetrace_tests::harness::{Network, eventually};
use rustix::{
    net::{
        AddressFamily, SocketType, ipproto,
        sockopt::{set_socket_recv_buffer_size_force, socket_domain, socket_protocol, socket_type},
    },
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};

use super::super::group::Group;

/// Where Debian's package `frr` has it.
pub(super) const PROGRAM: &str = "/usr/lib/frr/zebra";

/// Room for all that is sent.
const BUFFER: usize = 64 << 20;

pub(super) struct Zebra {
    group: Group,
    socket: RawFd,
}

impl Zebra {
    /// Starts one that knows nothing but this network, with a large buffer for its socket. All that it
    /// writes is in a tmpfs that only it sees.
    pub(super) fn start(network: &Network) -> Self {
        let script = format!(
            "mount -t tmpfs -o mode=1777 zebra /var/tmp
             exec {PROGRAM} --config_file /dev/null --vty_port 0 --vty_socket /var/tmp \
                  --socket /var/tmp/zserv --pid_file /var/tmp/zebra.pid"
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-e", "-c", &script]);
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let group = network.within(|| Group::start(command));
        let socket = eventually("zebra to open its socket", || enlarge(group.pid()));
        Self { group, socket }
    }

    pub(super) fn pid(&self) -> u32 {
        self.group.pid()
    }

    /// The descriptor of the socket for ICMPv6.
    pub(super) fn socket(&self) -> u32 {
        self.socket.cast_unsigned()
    }

    /// Waits until it has ended.
    pub(super) fn ends(&mut self) {
        self.group.ends();
    }
}

/// The descriptor of its socket for ICMPv6, which has a large buffer from then on; none yet if it has
/// not opened one.
fn enlarge(pid: u32) -> Option<RawFd> {
    let pid_of_it = Pid::from_raw(pid.cast_signed())?;
    let process = pidfd_open(pid_of_it, PidfdFlags::empty()).expect("our child");
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).expect("our child");
    let mut fds = fds
        .flatten()
        .filter_map(|it| it.file_name().to_str()?.parse().ok());
    fds.find(|&fd| {
        let copy = pidfd_getfd(&process, fd, PidfdGetfdFlags::empty());
        let socket = copy.ok().filter(|it| is_for_icmpv6(it).unwrap_or(false));
        let enlarged = socket.map(|it| set_socket_recv_buffer_size_force(it, BUFFER));
        enlarged.is_some_and(|it| it.is_ok())
    })
}

fn is_for_icmpv6(file: &impl AsFd) -> rustix::io::Result<bool> {
    let kind = (socket_domain(file)?, socket_type(file)?);
    let is_raw6 = kind == (AddressFamily::INET6, SocketType::RAW);
    Ok(is_raw6 && socket_protocol(file)? == Some(ipproto::ICMPV6))
}
