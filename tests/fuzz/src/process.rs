//! What a process is called does not change what is read of it.

use pagetrace::kernel::process::{stat, status, words};

pub(crate) fn check(data: &[u8]) {
    const REST: &[u8] = b") S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 4711 3133440 400 1844";
    let _ = stat(data);
    let named = stat(&[b"12 (", data, REST].concat()).expect("a whole line");
    assert_eq!(named.name, String::from_utf8_lossy(data));
    assert_eq!((named.threads, named.start_time_ticks), (9, 4711));

    let before = status(data);
    let sizes = [before.rss_bytes, before.anonymous_bytes, before.swap_bytes];
    assert!(sizes.iter().flatten().all(|bytes| bytes % 1024 == 0));
    let after = status(&[data, b"\nVmRSS:\t7 kB\n"].concat());
    assert_eq!(after.rss_bytes, Some(7 << 10));
    assert_eq!(after.anonymous_bytes, before.anonymous_bytes);

    let zeros = data.iter().filter(|&&byte| byte == 0).count();
    assert!(words(data).len() <= zeros + 1);
    assert_eq!(words(&[data, b"\0\0"].concat()), words(data));
}
