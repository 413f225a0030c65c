//! nginx, beside the machine's own, and clients that send it files.

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
    process::{Command, Stdio},
};

use pagetrace_tests::harness::{Network, eventually};
use rustix::net::sockopt::set_socket_send_buffer_size;
use tempfile::TempDir;

use super::super::group::Group;

/// Where Debian's package `nginx-light` has it.
pub(super) const PROGRAM: &str = "/usr/sbin/nginx";

const ADDRESS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80);

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
        listen 127.0.0.1:80;
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
            let sizes = fs::write("/proc/sys/net/ipv4/tcp_rmem", "4096 4194304 6291456");
            sizes.expect("it is our network");
            Group::start(command)
        });
        eventually("nginx to listen", || {
            network.within(|| TcpStream::connect(ADDRESS)).ok()
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
    pub(super) fn begin(network: &Network, count: usize) -> Self {
        let connect = || (0..count).map(|number| begin(number).expect("nginx listens"));
        Self(network.within(|| connect().collect()))
    }

    /// Sends what nobody reads, until there is no room for it.
    pub(super) fn send_until_all_block(&self) {
        let some = [0xa5; 64 << 10];
        for mut client in &self.0 {
            client.set_nonblocking(true).expect("it is a socket");
            while fits(client.write(&some)) {}
        }
    }
}

fn fits(written: std::io::Result<usize>) -> bool {
    match written {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) => panic!("nginx is there still: {error}"),
    }
}

/// Begins one, and waits until nginx asks for the file.
fn begin(number: usize) -> std::io::Result<TcpStream> {
    /// So small that what waits to be sent is next to nothing.
    const TO_SEND: usize = 64 << 10;
    let mut client = TcpStream::connect(ADDRESS)?;
    set_socket_send_buffer_size(&client, TO_SEND)?;
    write!(
        client,
        "PUT /{number} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\
         Expect: 100-continue\r\n\r\n"
    )?;
    let mut answer = [0; 25];
    client.read_exact(&mut answer)?;
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    Ok(client)
}
