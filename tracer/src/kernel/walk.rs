//! The files below a folder of one file system, largest first.
//!
//! Not by a library: a walk by paths would follow what others put in its way. Here each folder
//! is opened from the first one, and the kernel refuses links and other file systems.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    ffi::OsStr,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
    time::Instant,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, openat2, statat},
    io,
};

use crate::model::{Holders, SizedFile, WalkedFiles};

/// What all walks together may take.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// How many more files are looked at.
    pub files: u64,
    /// Until when.
    pub until: Instant,
}

/// How many files of a file system are kept.
const KEPT: usize = 64;

/// The files below this folder. What cannot be opened leaves the answer incomplete.
pub fn files(folder: impl AsFd, budget: &mut Budget) -> WalkedFiles {
    let mut walk = Walk {
        found: WalkedFiles {
            is_complete: true,
            ..WalkedFiles::default()
        },
        folders: vec![PathBuf::from(".")],
        linked: BTreeSet::new(),
    };
    while let Some(path) = walk.folders.pop() {
        let listed = walk.folder(folder.as_fd(), &path, budget);
        walk.found.is_complete &= listed.is_ok();
        if budget.files == 0 || Instant::now() >= budget.until {
            walk.found.is_complete &= walk.folders.is_empty();
            break;
        }
    }
    walk.keep(KEPT);
    walk.found
}

struct Walk {
    found: WalkedFiles,
    folders: Vec<PathBuf>,
    /// Inodes that have more than one name.
    linked: BTreeSet<u64>,
}

impl Walk {
    fn folder(&mut self, base: BorrowedFd<'_>, path: &Path, budget: &mut Budget) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let folder = match openat2(base, path, flags, Mode::empty(), resolve) {
            // Something is mounted on it: another file system.
            Err(io::Errno::XDEV) => return Ok(()),
            folder => folder?,
        };
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            budget.files = budget.files.checked_sub(1).ok_or(io::Errno::AGAIN)?;
            let path = path.join(OsStr::from_bytes(name.to_bytes()));
            match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => self.entry(path, &stat),
                // It was deleted meanwhile.
                Err(io::Errno::NOENT) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, stat: &Stat) {
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            self.folders.push(path);
            return;
        }
        if stat.st_nlink > 1 && !self.linked.insert(stat.st_ino) {
            return;
        }
        let bytes = allocated(stat);
        self.found.count = self.found.count.saturating_add(1);
        self.found.bytes = self.found.bytes.saturating_add(bytes);
        if bytes > 0 {
            let path = path.strip_prefix(".").unwrap_or(&path);
            self.found.largest.push(SizedFile {
                path: path.to_string_lossy().into_owned(),
                inode: stat.st_ino,
                bytes,
                holders: Holders::default(),
            });
        }
        if self.found.largest.len() >= 16 * KEPT {
            self.keep(KEPT);
        }
    }

    fn keep(&mut self, files: usize) {
        let largest = &mut self.found.largest;
        largest.sort_by(|a, b| (Reverse(a.bytes), &a.path).cmp(&(Reverse(b.bytes), &b.path)));
        largest.truncate(files);
    }
}

/// Bytes of a file's blocks, which are 512 bytes whatever the file system (stat(2)).
pub fn allocated(stat: &Stat) -> u64 {
    u64::try_from(stat.st_blocks)
        .unwrap_or(0)
        .saturating_mul(512)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        os::unix::fs::symlink,
        time::Duration,
    };

    use super::*;

    fn budget(files: u64) -> Budget {
        let until = Instant::now() + Duration::from_secs(60);
        Budget { files, until }
    }

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("logs")).expect("room");
        fs::write(at("logs/large"), vec![1; 1 << 20]).expect("room");
        fs::hard_link(at("logs/large"), at("again")).expect("links");
        fs::write(at("small"), "x").expect("room");
        symlink("/", at("elsewhere")).expect("links");
        folder
    }

    #[test]
    fn the_largest_is_first_and_a_link_is_not_followed() {
        let folder = tree();
        let open = File::open(folder.path()).expect("it is there");
        let found = files(&open, &mut budget(1000));
        assert!(found.is_complete);
        assert_eq!(found.count, 3, "{found:?}");
        let first = &found.largest[0];
        assert!(first.bytes >= 1 << 20, "{found:?}");
        assert!(["again", "logs/large"].contains(&first.path.as_str()));
    }

    #[test]
    fn a_walk_that_is_cut_short_says_so() {
        let folder = tree();
        let open = File::open(folder.path()).expect("it is there");
        assert!(!files(&open, &mut budget(2)).is_complete);
        let late = Budget {
            until: Instant::now(),
            ..budget(1000)
        };
        assert!(!files(&open, &mut late.clone()).is_complete);
    }
}
