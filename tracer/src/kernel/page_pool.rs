//! Page pools of network drivers, by the generic netlink family `netdev`
//! (Documentation/netlink/specs/netdev.yaml; Linux 6.8 and later).

use super::netlink::{attributes, u32_at};

/// `GENL_ID_CTRL`: the family that knows the others.
pub const CONTROL: u16 = 16;
/// Bytes of `struct genlmsghdr`.
const HEADER: usize = 4;

/// A page pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PagePool {
    /// Its number.
    pub id: u64,
    /// The device it is for; none if that is gone, or in another network namespace.
    pub ifindex: Option<u32>,
    /// Bytes that it took from the page allocator and did not give back.
    pub bytes: u64,
    /// Whether its driver is done with it, and only waits for what was lent.
    pub detached: bool,
    /// Whether its memory is a device's or a user's.
    pub foreign: bool,
}

/// The payload of a request for the number of the family `netdev`.
pub fn family_request() -> Vec<u8> {
    // CTRL_CMD_GETFAMILY, version 2; then CTRL_ATTR_FAMILY_NAME.
    let mut request = vec![3, 2, 0, 0];
    request.extend(11_u16.to_ne_bytes());
    request.extend(2_u16.to_ne_bytes());
    request.extend(b"netdev\0\0");
    request
}

/// The number of the family, from the answer.
pub fn family(message: &[u8]) -> Option<u16> {
    const FAMILY_ID: u16 = 1;
    let (_, id) = attributes(message.get(HEADER..)?).find(|(kind, _)| *kind == FAMILY_ID)?;
    Some(u16::from_ne_bytes(*id.first_chunk()?))
}

/// The payload of a request for all pools of the network namespace.
pub fn request() -> Vec<u8> {
    // NETDEV_CMD_PAGE_POOL_GET.
    vec![5, 1, 0, 0]
}

/// The pool that a message is about; none if it is cut off.
pub fn pool(message: &[u8]) -> Option<PagePool> {
    let mut pool = PagePool::default();
    let (mut has_id, mut has_bytes) = (false, false);
    for (kind, value) in attributes(message.get(HEADER..)?) {
        match kind {
            1 => (pool.id, has_id) = (uint(value)?, true),
            2 => pool.ifindex = u32_at(value, 0),
            5 => (pool.bytes, has_bytes) = (uint(value)?, true),
            6 => pool.detached = true,
            7 | 8 => pool.foreign = true,
            _ => {}
        }
    }
    (has_id && has_bytes).then_some(pool)
}

/// A number of four or eight bytes.
fn uint(value: &[u8]) -> Option<u64> {
    match value.len() {
        8 => Some(u64::from_ne_bytes(*value.first_chunk()?)),
        4 => Some(u32_at(value, 0)?.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Linux 6.18 says of the family.
    const FAMILY: &[u8] = include_bytes!("page_pool/family.bin");

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let len = HEADER + value.len();
        let mut attribute = [(len as u16).to_ne_bytes(), kind.to_ne_bytes()].concat();
        attribute.extend(value);
        attribute.resize(len.next_multiple_of(4), 0);
        attribute
    }

    /// The answer of the kernel's documentation (Documentation/networking/page_pool.rst), whose
    /// numbers have four bytes as long as they fit.
    fn message() -> Vec<u8> {
        let attributes = [
            attribute(1, &4_u32.to_ne_bytes()),
            attribute(2, &2_u32.to_ne_bytes()),
            attribute(3, &513_u32.to_ne_bytes()),
            attribute(4, &2048_u32.to_ne_bytes()),
            attribute(5, &8_388_608_u32.to_ne_bytes()),
        ];
        [vec![5, 1, 0, 0], attributes.concat()].concat()
    }

    #[test]
    fn a_pool_of_a_device_is_read() {
        let expected = PagePool {
            id: 4,
            ifindex: Some(2),
            bytes: 8 << 20,
            ..PagePool::default()
        };
        assert_eq!(pool(&message()), Some(expected));
    }

    #[test]
    fn a_pool_whose_device_is_gone_is_detached() {
        let message = [
            vec![5, 1, 0, 0],
            attribute(1, &7_u32.to_ne_bytes()),
            attribute(5, &(3_u64 << 30).to_ne_bytes()),
            attribute(6, &100_u32.to_ne_bytes()),
        ];
        let expected = PagePool {
            id: 7,
            bytes: 3 << 30,
            detached: true,
            ..PagePool::default()
        };
        assert_eq!(pool(&message.concat()), Some(expected));
    }

    #[test]
    fn memory_of_a_device_is_not_the_machines() {
        for kind in [7, 8] {
            let foreign = [message(), attribute(kind, &1_u32.to_ne_bytes())].concat();
            assert!(pool(&foreign).is_some_and(|pool| pool.foreign), "{kind}");
        }
    }

    #[test]
    fn a_cut_off_message_is_no_pool() {
        let message = message();
        for len in 0..message.len() {
            assert_eq!(pool(&message[..len]), None, "{len}");
        }
        assert_eq!(pool(&[message, attribute(1, &[1])].concat()), None);
    }

    #[test]
    fn the_family_has_a_number() {
        assert!(family(FAMILY).is_some_and(|id| id > CONTROL));
        assert_eq!(family(&FAMILY[..HEADER]), None);
    }
}
