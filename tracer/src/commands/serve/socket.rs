//! The socket that the service answers on: root's own, and only one service's.

use std::{
    fs::{self, Metadata},
    io::{self, ErrorKind},
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use rustix::{fs::Mode, process::umask};

use crate::render;

/// The socket, and its name as long as it is this service's.
pub(super) struct ServiceSocket {
    listener: UnixListener,
    /// Taken away with it.
    _name: Name,
}

/// The file that clients know the socket by.
struct Name {
    path: PathBuf,
    inode: Option<u64>,
}

impl ServiceSocket {
    /// Binds it, in place of one that nobody listens on any more.
    pub(super) fn bind(path: &Path) -> Result<Self> {
        let context = || format!("cannot answer on {}", path.display());
        remove_stale(path).with_context(context)?;
        let listener = private(|| UnixListener::bind(path)).with_context(context)?;
        let name = Name {
            path: path.to_owned(),
            inode: inode(path),
        };
        Ok(Self {
            listener,
            _name: name,
        })
    }

    /// Where clients are accepted.
    pub(super) fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // Another service may have put its own in its place.
        if self.inode.is_some() && inode(&self.path) == self.inode {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|it| it.ino())
}

/// Has what is made meanwhile belong to its owner only, from its first moment on.
fn private<T>(make: impl FnOnce() -> T) -> T {
    let mask = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let made = make();
    umask(mask);
    made
}

/// Says what became of the service that made the socket.
fn say_lost(metadata: &Metadata) {
    let since = metadata.modified().ok();
    let since = since.and_then(|it| Timestamp::try_from(it).ok());
    let since = since.map_or_else(String::new, |it| format!(" since {it:.0}"));
    render::say(&format!(
        "a service was killed; what it recorded{since} is gone"
    ));
}

/// Takes away the socket of a service that was killed; nothing else.
fn remove_stale(path: &Path) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        bail!("it is there and no socket: give another name with --socket");
    }
    match UnixStream::connect(path) {
        Ok(_) => {
            bail!("another service answers there: stop it, or give another name with --socket")
        }
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            say_lost(&metadata);
            fs::remove_file(path).context("cannot take away a socket that nobody listens on")
        }
        Err(error) => Err(error).context("cannot find out who listens there"),
    }
}
