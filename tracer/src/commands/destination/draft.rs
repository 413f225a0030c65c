//! A file that gets its name once it is whole.

use std::{
    ffi::{CStr, OsStr},
    fs::{File, Permissions},
    io,
    os::{
        fd::{AsRawFd as _, BorrowedFd},
        unix::fs::{MetadataExt as _, PermissionsExt as _},
    },
};

use rustix::{
    fs::{AtFlags, CWD, Dir, Mode, OFlags, linkat, openat, renameat, unlinkat},
    io::Errno,
    process::geteuid,
    rand::{GetRandomFlags, getrandom},
};

/// Reports hold kernel addresses, which are nobody else's business.
const OWNER_ONLY: u32 = 0o600;

/// A new file in a folder. Of one without a name nothing is left if this process is killed, but for
/// the moment in which it takes the place of another file: then, as of one with a name, a name with
/// [`PREFIX`] is left, which [`sweep`] removes. As long as somebody works on it, it is locked.
pub(super) struct Draft<'a> {
    folder: BorrowedFd<'a>,
    file: File,
    name: Option<String>,
}

impl<'a> Draft<'a> {
    /// Creates one without a name, where the file system has such files.
    pub(super) fn unnamed(folder: BorrowedFd<'a>) -> io::Result<Self> {
        let file = create(folder, ".", OFlags::TMPFILE)?;
        Ok(Self {
            folder,
            file,
            name: None,
        })
    }

    /// Creates one with a name of its own.
    pub(super) fn named(folder: BorrowedFd<'a>) -> io::Result<Self> {
        loop {
            let name = random_name()?;
            let file = create(folder, &name, OFlags::CREATE | OFlags::EXCL)?;
            let draft = Self {
                folder,
                file,
                name: Some(name),
            };
            // Or another pagetrace has swept it away before it was locked.
            if draft.file.metadata()?.nlink() > 0 {
                return Ok(draft);
            }
        }
    }

    /// What to write to.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Gives it that name, in place of whatever has it.
    pub(super) fn publish(mut self, name: &OsStr) -> io::Result<()> {
        if self.name.is_none() {
            match self.link(name) {
                Err(Errno::EXIST) => {
                    let beside = random_name()?;
                    self.link(OsStr::new(&beside))?;
                    self.name = Some(beside);
                }
                linked => return Ok(linked?),
            }
        }
        if let Some(beside) = &self.name {
            renameat(self.folder, beside, self.folder, name)?;
            self.name = None;
        }
        Ok(())
    }

    fn link(&self, name: &OsStr) -> rustix::io::Result<()> {
        let unnamed = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        linkat(CWD, unnamed, self.folder, name, AtFlags::SYMLINK_FOLLOW)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // Nobody is left to be told.
            let _ = unlinkat(self.folder, name, AtFlags::empty());
        }
    }
}

fn create(folder: BorrowedFd<'_>, name: &str, how: OFlags) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC | how;
    let mode = Mode::from_raw_mode(OWNER_ONLY);
    let file = File::from(openat(folder, name, flags, mode)?);
    // What the umask has taken away of it, on a file system that has modes.
    let _ = file.set_permissions(Permissions::from_mode(OWNER_ONLY));
    // On one without locks, nothing is swept either.
    let _ = file.lock();
    Ok(file)
}

/// How the names of files begin that take another's place in a moment.
const PREFIX: &str = ".pagetrace-";

/// Hexadecimal digits after it.
const DIGITS: usize = 16;

fn random_name() -> io::Result<String> {
    let mut number = [0; DIGITS / 2];
    getrandom(&mut number, GetRandomFlags::empty())?;
    let number = u64::from_ne_bytes(number);
    Ok(format!("{PREFIX}{number:0DIGITS$x}"))
}

fn is_random(name: &[u8]) -> bool {
    let digits = name.strip_prefix(PREFIX.as_bytes());
    digits.is_some_and(|it| it.len() == DIGITS && it.iter().all(u8::is_ascii_hexdigit))
}

/// Removes what is left in a folder of a pagetrace that was killed. What cannot be removed stays.
pub(super) fn sweep(folder: BorrowedFd<'_>) {
    // Other than `Dir::read_from`, not with the flags of `folder`, which may be for its path only.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(names) = openat(folder, ".", flags, Mode::empty()).and_then(Dir::new) else {
        return;
    };
    for entry in names.flatten() {
        let name = entry.file_name();
        if is_random(name.to_bytes()) && is_abandoned(folder, name).unwrap_or(false) {
            let _ = unlinkat(folder, name, AtFlags::empty());
        }
    }
}

/// Whether a file is ours and nobody works on it.
fn is_abandoned(folder: BorrowedFd<'_>, name: &CStr) -> io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(folder, name, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    let is_ours = metadata.is_file() && metadata.uid() == geteuid().as_raw();
    Ok(is_ours && file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use std::{
        ffi::OsString,
        fs,
        io::Write as _,
        os::fd::{AsFd as _, OwnedFd},
        path::Path,
    };

    use tempfile::TempDir;

    use super::*;

    /// As a place has its folder.
    fn open(folder: &TempDir) -> OwnedFd {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        rustix::fs::open(folder.path(), flags, Mode::empty()).expect("our folder")
    }

    fn names(folder: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(folder).expect("it is there");
        entries.flatten().map(|entry| entry.file_name()).collect()
    }

    #[test]
    fn both_ways_replace_a_file_and_leave_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let opened = open(&folder);
        for create in [Draft::unnamed, Draft::named] {
            let report = folder.path().join("report");
            for text in ["new", "newer"] {
                let draft = create(opened.as_fd()).expect("room for a file");
                draft.file().write_all(text.as_bytes()).expect("room");
                draft.publish(OsStr::new("report")).expect("our folder");
                assert_eq!(fs::read_to_string(&report).expect("it is there"), text);
                assert_eq!(names(folder.path()), ["report"]);
            }
            fs::remove_file(&report).expect("it is there");
        }
    }

    #[test]
    fn one_that_is_not_published_is_gone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let opened = open(&folder);
        for create in [Draft::unnamed, Draft::named] {
            drop(create(opened.as_fd()).expect("room for a file"));
            assert!(names(folder.path()).is_empty());
        }
    }

    #[test]
    fn only_what_nobody_works_on_is_swept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let opened = open(&folder);
        let draft = Draft::named(opened.as_fd()).expect("room for a file");
        let kept = [".pagetrace-", ".pagetrace-notes", "report"];
        let abandoned = [".pagetrace-0123456789abcdef", ".pagetrace-fedcba9876543210"];
        for name in kept.iter().chain(&abandoned) {
            fs::write(folder.path().join(name), "").expect("room for a file");
        }
        sweep(opened.as_fd());
        let mut left = names(folder.path());
        left.sort();
        let mut expected: Vec<OsString> = kept.map(Into::into).into();
        expected.extend(draft.name.clone().map(OsString::from));
        expected.sort();
        assert_eq!(left, expected);
    }
}
