//! Where a path leads: links at its end are followed, unless somebody else put
//! them where everybody may.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt as _,
    },
    path::Path,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::{
    fs::{
        AtFlags, FileType, Mode, OFlags, PROC_SUPER_MAGIC, Stat, StatxAttributes, StatxFlags,
        fstat, fstatfs, open, openat, readlinkat, statat, statx,
    },
    io::Errno,
    process::geteuid,
};

/// A name in a folder, which stays that folder whatever its path leads to later.
#[derive(Debug)]
pub(in crate::commands) struct Place {
    folder: OwnedFd,
    name: OsString,
    /// What is there; none if nothing is.
    found: Option<FileType>,
    follow: OFlags,
}

impl Place {
    /// Finds the place that a path stands for. Links in its middle are the kernel's concern
    /// (`fs.protected_symlinks`).
    pub(super) fn find(path: &Path) -> Result<Self> {
        // As many as the kernel follows (include/linux/namei.h).
        const MOST_LINKS: usize = 40;
        let mut path = path.to_owned();
        for links in 0..=MOST_LINKS {
            let mut place = Self::at(&path)?;
            place.look()?;
            match place.found {
                None if links > 0 => {
                    bail!("it is a link to {}, which is not there", path.display())
                }
                Some(FileType::Symlink) => path = path.with_file_name(place.target()?),
                _ => return Ok(place),
            }
        }
        Err(Errno::LOOP.into())
    }

    fn at(path: &Path) -> Result<Self> {
        let name = path.file_name().context("it is a folder")?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            folder: open(folder, flags, Mode::empty())?,
            name: name.to_owned(),
            found: None,
            follow: OFlags::NOFOLLOW,
        })
    }

    fn look(&mut self) -> Result<()> {
        let found = match statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            found => found?,
        };
        let kind = FileType::from_raw_mode(found.st_mode);
        // A file of somebody else is replaced, not written to.
        ensure!(
            kind == FileType::RegularFile || !is_planted(&fstat(&self.folder)?, &found),
            "another user put it into a folder where everybody may: name another file"
        );
        self.found = Some(kind);
        self.look_through_descriptor()
    }

    /// What looks like a link in /proc stands for something that is open, as /dev/stdout does; it may
    /// have no other name.
    fn look_through_descriptor(&mut self) -> Result<()> {
        let is_link = self.found == Some(FileType::Symlink);
        if is_link && fstatfs(&self.folder)?.f_type == PROC_SUPER_MAGIC {
            let open = statat(&self.folder, &self.name, AtFlags::empty())?;
            let kind = FileType::from_raw_mode(open.st_mode);
            if kind != FileType::RegularFile {
                self.found = Some(kind);
                self.follow = OFlags::empty();
            }
        }
        Ok(())
    }

    fn target(&self) -> io::Result<OsString> {
        let target = readlinkat(&self.folder, &self.name, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()))
    }

    /// What is there; none if nothing is.
    pub(super) fn found(&self) -> Option<FileType> {
        self.found
    }

    /// Whether it is a pipe.
    pub(super) fn is_pipe(&self) -> bool {
        self.found == Some(FileType::Fifo)
    }

    /// The folder.
    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    /// The name.
    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Whether it is mounted there by itself, as containers have it, so that no other can replace it.
    pub(super) fn is_mounted(&self) -> io::Result<bool> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let found = statx(&self.folder, &self.name, flags, StatxFlags::empty())?;
        Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
    }

    /// Opens what is there for writing, and does not wait for anybody in doing so.
    pub(super) fn open(&self) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat(&self.folder, &self.name, flags | self.follow, Mode::empty())?;
        Ok(file.into())
    }
}

/// The kernel's rule for what it does not follow with `fs.protected_symlinks` (`may_follow_link` in
/// fs/namei.c), where an administrator may have switched that off.
fn is_planted(folder: &Stat, found: &Stat) -> bool {
    let everybody_may = Mode::SVTX | Mode::WOTH;
    let folder_mode = Mode::from_raw_mode(folder.st_mode);
    let trusted = [geteuid().as_raw(), folder.st_uid];
    folder_mode.contains(everybody_may) && !trusted.contains(&found.st_uid)
}
