//! A build id is bytes of the notes, and the first one is taken.

use pagetrace::kernel::notes::build_id;

/// A GNU build id of three bytes, padded.
const NOTE: &[u8] = b"\x04\0\0\0\x03\0\0\0\x03\0\0\0GNU\0\xde\xad\x01\0";

pub(crate) fn check(data: &[u8]) {
    if let Some(id) = build_id(data) {
        assert_eq!(id.to_string().len(), 2 * id.0.len());
        assert!(id.0.is_empty() || data.windows(id.0.len()).any(|window| window == id.0));
    }
    let before = build_id(&[NOTE, data].concat());
    assert_eq!(before.expect("the note before").to_string(), "dead01");
}
