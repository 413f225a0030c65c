//! `/proc/PID/status`: the sizes of a process.

/// What it says, as far as it is needed. A line that is missing is none, and not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The real user.
    pub uid: Option<u32>,
    /// `VmRSS`, in bytes.
    pub rss_bytes: Option<u64>,
    /// `RssAnon`, in bytes.
    pub anonymous_bytes: Option<u64>,
    /// `RssFile`, in bytes.
    pub file_bytes: Option<u64>,
    /// `RssShmem`, in bytes.
    pub shmem_bytes: Option<u64>,
    /// `VmSwap`, in bytes.
    pub swap_bytes: Option<u64>,
    /// `VmPTE`, in bytes.
    pub page_table_bytes: Option<u64>,
}

/// Reads the text. The kernel escapes line breaks in the name, so each line begins with what it
/// is about (fs/proc/array.c, `proc_task_name`).
pub fn status(text: &[u8]) -> Status {
    let mut status = Status::default();
    for line in text.split(|&byte| byte == b'\n') {
        // Only the name can be something else than UTF-8.
        let Some((field, value)) = str::from_utf8(line).ok().and_then(|it| it.split_once(':'))
        else {
            continue;
        };
        match field {
            "Uid" => status.uid = first(value),
            "VmRSS" => status.rss_bytes = bytes(value),
            "RssAnon" => status.anonymous_bytes = bytes(value),
            "RssFile" => status.file_bytes = bytes(value),
            "RssShmem" => status.shmem_bytes = bytes(value),
            "VmSwap" => status.swap_bytes = bytes(value),
            "VmPTE" => status.page_table_bytes = bytes(value),
            _ => {}
        }
    }
    status
}

fn first<T: std::str::FromStr>(value: &str) -> Option<T> {
    value.split_ascii_whitespace().next()?.parse().ok()
}

/// `   1616 kB`.
pub(super) fn bytes(value: &str) -> Option<u64> {
    let kib: u64 = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_bytes() {
        let text = b"Name:\tcat\nUid:\t7\t8\t9\t9\nVmRSS:\t    1616 kB\nRssAnon:\t     112 kB\n\
            RssFile:\t    1504 kB\nRssShmem:\t       0 kB\nVmPTE:\t      48 kB\nVmSwap:\t       4 kB\n";
        let expected = Status {
            uid: Some(7),
            rss_bytes: Some(1616 << 10),
            anonymous_bytes: Some(112 << 10),
            file_bytes: Some(1504 << 10),
            shmem_bytes: Some(0),
            swap_bytes: Some(4 << 10),
            page_table_bytes: Some(48 << 10),
        };
        assert_eq!(status(text), expected);
    }

    #[test]
    fn a_missing_line_is_not_zero() {
        let sandbox = status(b"Name:\tx\nVmRSS:\t    1616 kB\n");
        assert_eq!(sandbox.rss_bytes, Some(1616 << 10));
        assert_eq!((sandbox.anonymous_bytes, sandbox.uid), (None, None));
        for text in [
            &b""[..],
            b"VmRSS:\n",
            b"VmRSS:\t1 MB\n",
            b"VmRSS:\t99999999999999999999 kB",
        ] {
            assert_eq!(status(text), Status::default());
        }
    }

    #[test]
    fn a_name_cannot_pass_for_a_size() {
        let text = b"Name:\tVmRSS: 7 kB\\nVmSwap:\t8 kB\xff\nVmRSS:\t2 kB\n";
        let expected = Status {
            rss_bytes: Some(2 << 10),
            ..Status::default()
        };
        assert_eq!(status(text), expected);
    }
}
