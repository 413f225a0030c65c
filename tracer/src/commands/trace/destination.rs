//! Where an output goes: found to be writable before the trace, written whole
//! or not at all after it.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use tempfile::NamedTempFile;

use crate::cli::Output;

/// A place that can be written to.
#[derive(Debug)]
pub(super) enum Destination {
    /// The standard output.
    Stdout,
    /// A file, replaced at once by its new content.
    File(PathBuf),
    /// A pipe or device, written to as it is. It stays open: a reader of a pipe
    /// takes closing for the end.
    Special(PathBuf, File),
}

impl Destination {
    /// Makes sure now that the output can be written later.
    pub(super) fn open(output: &Output) -> Result<Self> {
        let Output::File(path) = output else {
            return Ok(Self::Stdout);
        };
        let context = || format!("cannot write to {}", path.display());
        match fs::metadata(path) {
            Ok(found) if !found.is_file() => {
                let file = OpenOptions::new().write(true).open(path);
                Ok(Self::Special(path.clone(), file.with_context(context)?))
            }
            Ok(_) => {
                OpenOptions::new()
                    .write(true)
                    .open(path)
                    .with_context(context)?;
                // A link stays one: what it points to is replaced.
                Self::replacing(path.canonicalize()?).with_context(context)
            }
            Err(_) => Self::replacing(path.clone()).with_context(context),
        }
    }

    fn replacing(path: PathBuf) -> Result<Self> {
        temporary(&path)?;
        Ok(Self::File(path))
    }

    /// Writes with `content`, all of it or nothing.
    pub(super) fn write(&self, content: impl Fn(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        match self {
            Self::Stdout => {
                buffered(io::stdout().lock(), content).context("cannot write to stdout")
            }
            Self::File(path) => replace(path, content)
                .with_context(|| format!("cannot write to {}", path.display())),
            Self::Special(path, file) => buffered(file, content)
                .with_context(|| format!("cannot write to {}", path.display())),
        }
    }
}

fn buffered(out: impl Write, content: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    content(&mut out)?;
    out.flush()
}

fn replace(path: &Path, content: impl Fn(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let file = temporary(path)?;
    buffered(file.as_file(), content)?;
    file.persist(path)?;
    Ok(())
}

/// A file beside `path`, with its permissions if it exists.
fn temporary(path: &Path) -> Result<NamedTempFile> {
    // What the umask leaves of it is what a new file gets.
    const NEW_FILE: u32 = 0o666;
    let existing = fs::metadata(path).map(|found| found.permissions());
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // The library's own error would name its temporary file.
    fs::metadata(directory)?;
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(".pagetrace-")
        .permissions(Permissions::from_mode(NEW_FILE));
    let file = builder.tempfile_in(directory)?;
    if let Ok(permissions) = existing {
        file.as_file().set_permissions(permissions)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(content: &'static str) -> impl Fn(&mut dyn Write) -> io::Result<()> {
        move |out| out.write_all(content.as_bytes())
    }

    #[test]
    fn a_file_appears_with_its_content_only() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("report.json");
        let destination = Destination::open(&Output::File(path.clone())).expect("it is writable");
        assert_eq!(fs::read_dir(dir.path()).expect("it is there").count(), 0);
        destination.write(text("{}\n")).expect("there is room");
        assert_eq!(fs::read_to_string(&path).expect("it was written"), "{}\n");
        assert_eq!(fs::read_dir(dir.path()).expect("it is there").count(), 1);
    }

    #[test]
    fn a_failure_leaves_the_old_content() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("report.json");
        fs::write(&path, "old").expect("there is room");
        let destination = Destination::open(&Output::File(path.clone())).expect("it is writable");
        let result = destination.write(|out| {
            out.write_all(b"half")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(result.is_err());
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "old");
    }

    #[test]
    fn a_device_is_not_replaced() {
        let null = Destination::open(&Output::File("/dev/null".into())).expect("it is writable");
        assert!(matches!(null, Destination::Special(..)));
        null.write(text("gone")).expect("it takes everything");
    }

    #[test]
    fn what_cannot_be_written_is_found_at_once() {
        for path in ["/proc/no/such/file", "/no/such/directory/file", "/"] {
            let error = Destination::open(&Output::File(path.into())).expect_err(path);
            assert!(
                error.to_string().starts_with("cannot write to"),
                "{error:#}"
            );
        }
    }
}
