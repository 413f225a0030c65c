//! A ring has whole pages; what is cut off has no more of them.

use pagetrace::kernel::packet_diag::socket;

pub(crate) fn check(data: &[u8]) {
    let whole = socket(data, 4096).map_or(0, |socket| socket.bytes);
    assert!(whole.is_multiple_of(4096) || whole == u64::MAX);
    for len in 0..data.len().min(256) {
        let cut = socket(&data[..len], 4096).map_or(0, |socket| socket.bytes);
        assert!(cut <= whole, "{len}");
    }
    // A page size of 0 is no reason to fail.
    socket(data, 0);
}
