//! Messages lie in the bytes, one behind the other; only the last can be an error. Attributes lie in
//! their message.

use pagetrace::kernel::netlink::{Message, attributes, messages};

pub(crate) fn check(data: &[u8]) {
    let found: Vec<_> = messages(data).collect();
    let errors = found.iter().filter(|it| it.is_err()).count();
    assert!(errors == 0 || errors == 1 && matches!(found.last(), Some(Err(_))));
    let mut bytes = 0;
    for message in found.iter().flatten() {
        if let Message::Data { payload, .. } = message {
            bytes += payload.len();
            check_attributes(payload);
        }
    }
    assert!(bytes <= data.len());
    check_attributes(data);
}

fn check_attributes(data: &[u8]) {
    let lens = attributes(data).map(|(_, value)| 4 + value.len());
    assert!(lens.sum::<usize>() <= data.len());
}
