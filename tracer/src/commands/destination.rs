//! Where an output goes: found to be writable before the trace, written whole
//! or not at all after it.

mod draft;
mod place;

use std::{
    fs::File,
    io::{self, BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Error, Result, anyhow, ensure};
use rustix::{
    fs::{FileType, OFlags, fcntl_setfl},
    io::Errno,
};

use self::{draft::Draft, place::Place};
use crate::{cli::Output, render};

/// A place that can be written to.
#[derive(Debug)]
pub(super) enum Destination {
    /// The standard output.
    Stdout,
    /// What is at a path.
    Path(PathBuf, Target),
}

/// What is at a path.
#[derive(Debug)]
pub(super) enum Target {
    /// A file or nothing, replaced at once by a new file, which only this user may read.
    File(Place),
    /// A pipe or device, written to as it is. It stays open: a reader of a pipe
    /// takes closing for the end.
    Stream(File),
    /// A pipe that nobody reads yet.
    UnreadPipe(Place),
}

impl Destination {
    /// Makes sure now that the output can be written later.
    pub(super) fn open(output: &Output) -> Result<Self> {
        let Output::File(path) = output else {
            return Ok(Self::Stdout);
        };
        let target = Target::find(path).with_context(|| cannot_write(path))?;
        if matches!(target, Target::UnreadPipe(_)) {
            render::say(&format!(
                "nobody reads {} yet: somebody must when the window ends, or this output is lost",
                path.display()
            ));
        }
        Ok(Self::Path(path.clone(), target))
    }

    /// Writes with `content`; to a file, all of it or nothing.
    pub(super) fn write(&self, content: impl Fn(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        match self {
            Self::Stdout => render::to_stdout(buffered(io::stdout().lock(), content)),
            Self::Path(path, target) => target
                .write(content)
                .map_err(explained)
                .with_context(|| cannot_write(path)),
        }
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write to {}", path.display())
}

fn explained(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::BrokenPipe => anyhow!("its reader has left"),
        ErrorKind::FileTooLarge => {
            Error::new(error).context("the limit on the size of files (ulimit -f) is too low")
        }
        _ => error.into(),
    }
}

impl Target {
    fn find(path: &Path) -> Result<Self> {
        let place = Place::find(path)?;
        match place.found() {
            Some(FileType::RegularFile) => {
                place.open()?;
                ensure!(
                    !place.is_mounted()?,
                    "it is mounted there by itself and cannot be replaced: mount its folder instead"
                );
            }
            None => {}
            Some(_) => {
                return Ok(match open_stream(&place)? {
                    Some(file) => Self::Stream(file),
                    None => Self::UnreadPipe(place),
                });
            }
        }
        draft::sweep(place.folder());
        // Gone at once.
        Draft::unnamed(place.folder()).or_else(|_| Draft::named(place.folder()))?;
        Ok(Self::File(place))
    }

    fn write(&self, content: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match self {
            Self::File(place) => replace(place, content),
            Self::Stream(file) => buffered(file, content),
            Self::UnreadPipe(place) => match open_stream(place)? {
                Some(file) => buffered(file, content),
                None => Err(io::Error::other("nobody reads it")),
            },
        }
    }
}

/// Opens a pipe or device; none if it is a pipe that nobody reads.
fn open_stream(place: &Place) -> io::Result<Option<File>> {
    let file = match place.open() {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NXIO) && place.is_pipe() => {
            return Ok(None);
        }
        opened => opened?,
    };
    // Whoever reads may take the time that it takes.
    fcntl_setfl(&file, OFlags::empty())?;
    Ok(Some(file))
}

fn replace(place: &Place, content: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let publish = |draft: Draft<'_>| {
        buffered(draft.file(), &content)?;
        draft.publish(place.name())
    };
    // Whatever a file system cannot do with files without a name, it can with others.
    let unnamed = Draft::unnamed(place.folder()).and_then(publish);
    unnamed.or_else(|_| Draft::named(place.folder()).and_then(publish))
}

fn buffered(out: impl Write, content: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    content(&mut out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        io::Read as _,
        os::{
            fd::AsRawFd as _,
            unix::fs::{PermissionsExt as _, symlink},
        },
    };

    use tempfile::{TempDir, tempdir};

    use super::*;

    fn text(content: &'static str) -> impl Fn(&mut dyn Write) -> io::Result<()> {
        move |out| out.write_all(content.as_bytes())
    }

    fn open(path: &Path) -> Result<Destination> {
        Destination::open(&Output::File(path.to_owned()))
    }

    /// A folder with a file in it, and its path.
    fn folder_with(content: &str) -> (TempDir, PathBuf) {
        let folder = tempdir().expect("a temporary folder");
        let path = folder.path().join("report.json");
        fs::write(&path, content).expect("there is room");
        (folder, path)
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).expect("it is there")
    }

    #[test]
    fn a_file_appears_with_its_content_only() {
        let folder = tempdir().expect("a temporary folder");
        let path = folder.path().join("report.json");
        let destination = open(&path).expect("it is writable");
        assert_eq!(fs::read_dir(&folder).expect("it is there").count(), 0);
        destination.write(text("{}\n")).expect("there is room");
        assert_eq!(read(&path), "{}\n");
        assert_eq!(fs::read_dir(&folder).expect("it is there").count(), 1);
    }

    #[test]
    fn a_failure_leaves_the_old_content() {
        let (folder, path) = folder_with("old");
        let result = open(&path).expect("it is writable").write(|out| {
            out.write_all(b"half")?;
            Err(ErrorKind::StorageFull.into())
        });
        assert!(result.is_err());
        assert_eq!(read(&path), "old");
        assert_eq!(fs::read_dir(&folder).expect("it is there").count(), 1);
    }

    #[test]
    fn only_the_owner_may_read_it() {
        let (folder, old) = folder_with("old");
        fs::set_permissions(&old, Permissions::from_mode(0o4666)).expect("our file");
        for path in [old, folder.path().join("new.json")] {
            let destination = open(&path).expect("it is writable");
            destination.write(text("{}\n")).expect("there is room");
            let mode = fs::metadata(&path).expect("it is there").permissions();
            assert_eq!(mode.mode() & 0o7777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn a_link_stays_one_and_what_it_leads_to_is_replaced() {
        let (folder, path) = folder_with("old");
        let links = ["link", "further"].map(|name| folder.path().join(name));
        symlink("report.json", &links[0]).expect("our folder");
        symlink(&links[0], &links[1]).expect("our folder");
        let destination = open(&links[1]).expect("it is writable");
        destination.write(text("new")).expect("there is room");
        assert_eq!(read(&path), "new");
        assert!(links.iter().all(|link| link.is_symlink()));
    }

    #[test]
    fn a_link_to_nothing_is_refused() {
        let folder = tempdir().expect("a temporary folder");
        let link = folder.path().join("link");
        symlink("missing", &link).expect("our folder");
        let error = open(&link).expect_err("nothing to replace");
        assert!(format!("{error:#}").contains("missing"), "{error:#}");
        symlink("circle", folder.path().join("circle")).expect("our folder");
        open(&folder.path().join("circle")).expect_err("no end");
    }

    #[test]
    fn a_device_is_not_replaced() {
        let null = open(Path::new("/dev/null")).expect("it is writable");
        assert!(matches!(null, Destination::Path(_, Target::Stream(_))));
        null.write(text("gone")).expect("it takes everything");
    }

    /// As a shell's `>(command)` has it.
    #[test]
    fn an_open_pipe_has_no_other_name() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let path = format!("/dev/fd/{}", writer.as_raw_fd());
        let destination = open(Path::new(&path)).expect("it is writable");
        destination.write(text("whole")).expect("it has room");
        drop((destination, writer));
        let mut written = String::new();
        reader.read_to_string(&mut written).expect("our pipe");
        assert_eq!(written, "whole");
    }

    #[test]
    fn what_cannot_be_written_is_found_at_once() {
        for path in ["/proc/no/such/file", "/no/such/directory/file", "/", ".."] {
            let error = open(Path::new(path)).expect_err(path);
            let start = format!("cannot write to {path}");
            assert!(error.to_string().starts_with(&start), "{error:#}");
        }
    }
}
