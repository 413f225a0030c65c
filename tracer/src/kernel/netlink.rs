//! Netlink: requests, and the messages of an answer.
//!
//! Framing and attributes are those of `netlink-packet-core`. The crates above it do not know
//! packet and netlink sockets (`netlink-packet-sock-diag`) or page pools, so what is in a message
//! is read by the files beside this one.

use std::io;

use netlink_packet_core::{NLA_HEADER_SIZE, NetlinkBuffer, NlasIterator};

/// Bytes of `struct nlmsghdr`.
const HEADER: usize = 16;
/// `NLM_F_REQUEST | NLM_F_DUMP` (include/uapi/linux/netlink.h).
const REQUEST_DUMP: u16 = 0x1 | 0x300;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 0x1;
/// `NLM_F_MULTI`.
const MULTI: u16 = 0x2;
/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
/// `NLMSG_DONE`.
const DONE: u16 = 3;

/// One message of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// What was asked for.
    Data {
        /// What is behind the header.
        payload: &'a [u8],
        /// Whether others follow, and an end.
        multi: bool,
    },
    /// The end, with the error that led to it, or 0.
    End(i32),
}

/// A request of this type for everything that there is.
pub fn dump(kind: u16, payload: &[u8]) -> Vec<u8> {
    message(kind, REQUEST_DUMP, payload)
}

/// A request of this type for one thing.
pub fn request(kind: u16, payload: &[u8]) -> Vec<u8> {
    message(kind, REQUEST, payload)
}

fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let len = HEADER + payload.len();
    let mut message = vec![0; len];
    let mut header = NetlinkBuffer::new(&mut message);
    header.set_length(len as u32);
    header.set_message_type(kind);
    header.set_flags(flags);
    header.payload_mut().copy_from_slice(payload);
    message
}

/// The messages in what one read of a socket gave. After one that is cut off comes no other.
pub fn messages(mut datagram: &[u8]) -> impl Iterator<Item = io::Result<Message<'_>>> {
    std::iter::from_fn(move || {
        if datagram.is_empty() {
            return None;
        }
        let message = first(datagram);
        let len = message.as_ref().map_or(datagram.len(), |(_, len)| *len);
        datagram = datagram.get(len..).unwrap_or_default();
        Some(message.map(|(message, _)| message))
    })
}

/// The first message, and how many bytes it takes: messages are aligned to four bytes, but for
/// the last one.
fn first(datagram: &[u8]) -> io::Result<(Message<'_>, usize)> {
    let message = NetlinkBuffer::new_checked(datagram).map_err(io::Error::other)?;
    let len = (message.length() as usize).next_multiple_of(4);
    Ok((read(message)?, len))
}

fn read(message: NetlinkBuffer<&[u8]>) -> io::Result<Message<'_>> {
    let payload = message.payload();
    match message.message_type() {
        // A dump may end with an error, too; without one, some kernels leave the number out.
        DONE => Ok(Message::End(i32_at(payload, 0).unwrap_or(0))),
        ERROR => i32_at(payload, 0)
            .map(Message::End)
            .ok_or_else(|| io::Error::other("an error message without a number")),
        _ => Ok(Message::Data {
            payload,
            multi: message.flags() & MULTI != 0,
        }),
    }
}

/// The attributes in these bytes, by type; the rest is left out where one is cut off.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let attributes = NlasIterator::new(bytes).map_while(Result::ok);
    attributes.filter_map(|attribute| {
        let (kind, len) = (attribute.kind(), usize::from(attribute.length()));
        let value = attribute.into_inner().get(NLA_HEADER_SIZE..len)?;
        Some((kind, value))
    })
}

/// The byte order of numbers is the machine's.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let number = bytes.get(offset..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*number))
}

fn i32_at(bytes: &[u8], offset: usize) -> Option<i32> {
    Some(u32_at(bytes, offset)?.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_can_be_read_back() {
        let mut twice = dump(20, &[1, 2, 3, 4, 5]);
        twice.resize(twice.len().next_multiple_of(4), 0);
        twice.extend(request(21, &[6]));
        let found: Vec<_> = messages(&twice).map(|it| it.expect("whole")).collect();
        let data = |payload| Message::Data {
            payload,
            multi: false,
        };
        assert_eq!(found, [data(&[1, 2, 3, 4, 5]), data(&[6])]);
    }

    #[test]
    fn an_answer_ends() {
        let failed = message(ERROR, 0, &(-2_i32).to_ne_bytes());
        let done = message(DONE, 0, &[]);
        let ends = [failed, done].concat();
        let ends: Vec<_> = messages(&ends).map(|it| it.expect("whole")).collect();
        assert_eq!(ends, [Message::End(-2), Message::End(0)]);
    }

    #[test]
    fn what_is_cut_off_is_an_error_and_the_last() {
        let whole = dump(20, &[0; 40]);
        for len in 1..whole.len() {
            let found: Vec<_> = messages(&whole[..len]).collect();
            assert!(matches!(found[..], [Err(_)]), "{len}");
        }
        let mut nothing = whole;
        nothing[..4].fill(0);
        assert!(matches!(
            messages(&nothing).collect::<Vec<_>>()[..],
            [Err(_)]
        ));
    }

    #[test]
    fn attributes_end_where_one_is_cut_off() {
        let mut bytes = vec![];
        bytes.extend([8, 0, 3, 0, 1, 2, 3, 4]);
        bytes.extend([5, 0, 4, 0x80, 9, 0, 0, 0]);
        bytes.extend([9, 0, 5, 0, 1]);
        let found: Vec<_> = attributes(&bytes).collect();
        assert_eq!(found, [(3, &[1, 2, 3, 4][..]), (4, &[9][..])]);
    }
}
