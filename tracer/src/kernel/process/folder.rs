//! The folder of one process, held open: what is read through it is of that process, or fails.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
};

use crate::model::UnreadReason;

/// `/proc/PID`, open. Once the process has ended all of its files are gone (ENOENT) or say so
/// (ESRCH), also if another has its pid by then.
#[derive(Debug)]
pub struct ProcessFolder {
    folder: OwnedFd,
}

impl ProcessFolder {
    /// Opens it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, path, flags, Mode::empty())?;
        Ok(Self { folder })
    }

    /// Opens a file in it.
    pub fn file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(openat(&self.folder, name, flags, Mode::empty())?.into())
    }

    /// The first `limit` bytes of a file in it.
    pub fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(4096);
        self.file(name)?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Why the process did not tell. That a file is missing can also mean that the process has ended.
pub fn reason(error: &io::Error) -> UnreadReason {
    match Errno::from_io_error(error) {
        Some(Errno::SRCH) => UnreadReason::Ended,
        Some(Errno::NOENT) => UnreadReason::Missing,
        Some(Errno::ACCESS | Errno::PERM) => UnreadReason::NotPermitted,
        _ => UnreadReason::Failed,
    }
}

/// The words of a command line, each of which ends with a 0. A process that overwrote it (`setproctitle`)
/// leaves one text and many of them.
pub fn words(cmdline: &[u8]) -> Vec<String> {
    let end = cmdline.iter().rposition(|&byte| byte != 0);
    let Some(text) = end.and_then(|end| cmdline.get(..=end)) else {
        return Vec::new();
    };
    let words = text.split(|&byte| byte == 0);
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn words_end_with_a_zero() {
        assert_eq!(words(b"sh\0-c\0\0true\0"), ["sh", "-c", "", "true"]);
        assert_eq!(
            words(b"nginx: worker process\0\0\0"),
            ["nginx: worker process"]
        );
        assert_eq!(words(b"\0\0"), Vec::<String>::new());
        assert_eq!(words(b"\xff"), ["\u{fffd}"]);
    }

    #[test]
    fn a_process_that_has_ended_tells_nothing_more() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .spawn()
            .expect("there is a cat");
        let path = format!("/proc/{}", child.id());
        let folder = ProcessFolder::open(Path::new(&path)).expect("it runs");
        assert!(
            folder
                .read("stat", 4096)
                .expect("it runs")
                .starts_with(child.id().to_string().as_bytes())
        );
        assert_eq!(folder.read("stat", 2).expect("it runs").len(), 2);
        drop(child.stdin.take());
        child.wait().expect("our child");
        for name in ["stat", "status", "cmdline", "smaps"] {
            let reason = reason(&folder.read(name, 4096).expect_err("it has ended"));
            let expected = [UnreadReason::Ended, UnreadReason::Missing];
            assert!(expected.contains(&reason), "{name}: {reason:?}");
        }
        let gone = ProcessFolder::open(Path::new(&path));
        assert_eq!(
            reason(&gone.expect_err("it has ended")),
            UnreadReason::Missing
        );
    }

    #[test]
    fn a_process_that_ended_is_told_from_one_that_is_forbidden() {
        for (errno, expected) in [
            (Errno::NOENT, UnreadReason::Missing),
            (Errno::SRCH, UnreadReason::Ended),
            (Errno::ACCESS, UnreadReason::NotPermitted),
            (Errno::PERM, UnreadReason::NotPermitted),
            (Errno::NOMEM, UnreadReason::Failed),
        ] {
            assert_eq!(reason(&errno.into()), expected);
        }
        assert_eq!(reason(&io::Error::other("x")), UnreadReason::Failed);
    }
}
