//! Streams that nobody reads.

use std::{
    io::{self, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
};

use rustix::net::sockopt::{set_socket_recv_buffer_size_force, set_socket_send_buffer_size_force};

use super::BUFFER;
use crate::leaks::own_network;

/// What each connection is sent.
pub(super) const CONNECTION: usize = 128 << 10;

/// So much, and no less, lies in pages of its own as a whole: what does not fill pages would go into
/// a slab (`unix_stream_sendmsg`, net/unix/af_unix.c).
pub(super) const PACKET: usize = 32 << 10;

/// A listener that accepts nothing, and the other ends of its connections.
pub(super) fn connect(count: usize) -> io::Result<(TcpListener, Vec<TcpStream>)> {
    own_network::enter()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    set_socket_recv_buffer_size_force(&listener, BUFFER)?;
    let connect = |_| {
        let mut stream = TcpStream::connect(listener.local_addr()?)?;
        set_socket_send_buffer_size_force(&stream, BUFFER)?;
        stream.write_all(&[0xa5; CONNECTION])?;
        Ok(stream)
    };
    let streams = (0..count).map(connect).collect::<io::Result<_>>()?;
    Ok((listener, streams))
}

/// Both ends of a stream with that many packets.
pub(super) fn write(count: usize) -> io::Result<(UnixStream, UnixStream)> {
    let (mut writer, reader) = UnixStream::pair()?;
    writer.set_nonblocking(true)?;
    set_socket_send_buffer_size_force(&writer, BUFFER)?;
    for _ in 0..count {
        writer.write_all(&[0xa5; PACKET])?;
    }
    Ok((writer, reader))
}
