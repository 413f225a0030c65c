//! nginx, beside the machine's own, and clients that send it files.

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    process::{Command, Stdio},
};

use pagetrace_tests::harness::{Network, eventually};
use rustix::net::sockopt::set_socket_send_buffer_size;
use tempfile::TempDir;

use super::super::group::Group;

/// Where Debian's package `nginx-light` has it.
pub(super) const PROGRAM: &str = "/usr/sbin/nginx";

const PORT: u16 = 80;

/// What is sent of each file: less than a connection has room for.
const SENT: usize = 3 << 20;

/// It keeps files that it is sent, of any size. Its own files are below its prefix.
const SETTINGS: &str = "
daemon off;
user root;
worker_processes 1;
pid nginx.pid;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {
        listen 80;
        client_max_body_size 0;
        root .;
        location / { dav_methods PUT; }
    }
}
";

pub(super) struct Nginx {
    group: Group,
    _prefix: TempDir,
}

impl Nginx {
    /// Starts one that listens in this network, where the buffers of connections are as large as
    /// those of a fast one become with time.
    pub(super) fn start(network: &Network) -> Self {
        let prefix = tempfile::tempdir().expect("a temporary folder");
        let settings = prefix.path().join("nginx.conf");
        fs::write(&settings, SETTINGS).expect("there is room");
        let mut command = Command::new(PROGRAM);
        command.arg("-p").arg(prefix.path()).arg("-c").arg(settings);
        command.args(["-e", "stderr"]).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let group = network.within(|| {
            let sizes = fs::write("/proc/sys/net/ipv4/tcp_rmem", "4096 8388608 12582912");
            sizes.expect("it is our network");
            Group::start(command)
        });
        eventually("nginx to listen", || {
            let address = (Ipv4Addr::LOCALHOST, PORT);
            network.within(|| TcpStream::connect(address)).ok()
        });
        Self {
            group,
            _prefix: prefix,
        }
    }

    /// The process that reads what clients send.
    pub(super) fn worker(&self) -> u32 {
        let master = self.group.pid();
        let children = format!("/proc/{master}/task/{master}/children");
        let children = fs::read_to_string(children).expect("our child");
        children.trim().parse().expect("it has one")
    }
}

/// Clients whose files nginx has begun to read.
pub(super) struct Uploads(Vec<TcpStream>);

impl Uploads {
    /// As many of them, in `network`, as together send so many bytes to the nginx at `server`.
    pub(super) fn begin(network: &Network, server: Ipv4Addr, bytes: u64) -> Self {
        let count = bytes.div_ceil(SENT as u64);
        let connect = || (0..count).map(|number| begin(server, number).expect("nginx listens"));
        Self(network.within(|| connect().collect()))
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// What they send together.
    pub(super) fn bytes(&self) -> u64 {
        self.count() * SENT as u64
    }

    /// Sends what nobody reads.
    pub(super) fn send(&self) {
        let mut left = vec![SENT; self.0.len()];
        eventually("the connections to take what is sent", || {
            for (client, left) in self.0.iter().zip(&mut left) {
                send(client, left);
            }
            left.iter().all(|&it| it == 0).then_some(())
        });
    }
}

/// Sends what is left of the bytes, as far as there is room.
fn send(mut client: &TcpStream, left: &mut usize) {
    let some = [0xa5; 64 << 10];
    while *left > 0 {
        match client.write(&some[..some.len().min(*left)]) {
            Ok(written) => *left -= written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) => panic!("nginx is there still: {error}"),
        }
    }
}

/// Begins one, and waits until nginx asks for the file.
fn begin(server: Ipv4Addr, number: u64) -> std::io::Result<TcpStream> {
    /// So small that what waits to be sent is next to nothing.
    const TO_SEND: usize = 64 << 10;
    let mut client = TcpStream::connect((server, PORT))?;
    set_socket_send_buffer_size(&client, TO_SEND)?;
    write!(
        client,
        "PUT /{number} HTTP/1.1\r\nHost: server\r\nContent-Length: 1000000000\r\n\
         Expect: 100-continue\r\n\r\n"
    )?;
    let mut answer = [0; 25];
    client.read_exact(&mut answer)?;
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.set_nonblocking(true)?;
    Ok(client)
}
