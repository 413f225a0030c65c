//! Two programs at work on files and a pipe, as on any day.

use std::{
    fs, io,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::Workload;

const FOLDERS: usize = 8;
const FILES_IN_EACH: usize = 64;
const BYTES: usize = 16 << 10;

/// A tree that is the same on every machine.
pub(super) struct Tar(TempDir);

impl Tar {
    pub(super) fn new() -> io::Result<Self> {
        let root = tempfile::tempdir()?;
        for folder in 0..FOLDERS {
            let folder = root.path().join(folder.to_string());
            fs::create_dir(&folder)?;
            for file in 0..FILES_IN_EACH {
                fs::write(folder.join(file.to_string()), vec![0xa5; BYTES])?;
            }
        }
        Ok(Self(root))
    }
}

impl Workload for Tar {
    /// Through a pipe, as tar does not read files that it would write to /dev/null.
    fn operate(&mut self) -> io::Result<()> {
        let mut tar = Command::new("tar");
        tar.args(["--create", "--file=-", "."]);
        let mut tar = tar.current_dir(&self.0).stdout(Stdio::piped()).spawn()?;
        let archive = tar.stdout.take().map_or(Stdio::null(), Stdio::from);
        let mut cat = Command::new("cat");
        let read = cat.stdin(archive).stdout(Stdio::null()).status();
        let packed = tar.wait()?;
        if packed.success() && read?.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("tar or cat failed: {packed}")))
        }
    }
}
