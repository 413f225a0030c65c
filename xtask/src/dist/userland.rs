//! A Debian to install packages into: that of `cargo xtask vm --install`, with a layer on top of it that
//! takes all changes. Its mounts are this process's own, and end with it.

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use rustix::mount::{MountFlags, mount, mount_bind_recursive};
use tempfile::TempDir;

use crate::{command, mounted};

/// The Debian.
pub(super) struct Userland {
    layer: TempDir,
}

impl Userland {
    /// Lays an empty layer upon the root `lower`, in a folder of `place`.
    pub(super) fn over(lower: &Path, place: &Path) -> Result<Self> {
        ensure!(
            lower.join("usr/bin/dpkg").is_file(),
            "no Debian in {}: use `cargo xtask vm --install`",
            lower.display()
        );
        mounted::enter_namespace()?;
        let layer = tempfile::tempdir_in(place).context("cannot make a folder for the layer")?;
        let userland = Self { layer };
        for name in ["changes", "work", "root"] {
            fs::create_dir(userland.folder(name))?;
        }
        let (changes, work) = (userland.folder("changes"), userland.folder("work"));
        let layers = format!(
            "lowerdir={},upperdir={},workdir={}",
            lower.display(),
            changes.display(),
            work.display()
        );
        let layers = CString::new(layers)?;
        let root = userland.root();
        mount("overlay", &root, "overlay", MountFlags::empty(), &*layers)
            .context("cannot mount an overlay")?;
        for name in ["proc", "sys", "dev"] {
            mount_bind_recursive(Path::new("/").join(name), root.join(name))
                .with_context(|| format!("cannot mount /{name} in it"))?;
        }
        // As everywhere: what is in it ends with the machine.
        mount(
            "tmpfs",
            root.join("run"),
            "tmpfs",
            MountFlags::empty(),
            None,
        )
        .context("cannot mount /run in it")?;
        Ok(userland)
    }

    /// Its root.
    pub(super) fn root(&self) -> PathBuf {
        self.folder("root")
    }

    /// `program` as it runs in there.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut chroot = Command::new("chroot");
        chroot.arg(self.root()).arg(program);
        chroot
            .env("LC_ALL", "C")
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        chroot
    }

    /// All files that are other than they were, and not those that package managers keep of themselves.
    pub(super) fn changes(&self) -> Result<Vec<PathBuf>> {
        const OWN: [&str; 6] = [
            "var/lib/dpkg/",
            "var/lib/rpm/",
            "var/log/",
            "var/cache/",
            "usr/lib/sysimage/",
            "root/.rpmdb/",
        ];
        let mut find = Command::new("find");
        find.arg(self.folder("changes"));
        let found =
            command::output(find.args(["-mindepth", "1", "!", "-type", "d", "-printf", "%P\\n"]))?;
        let is_own = |path: &&str| OWN.iter().any(|own| path.starts_with(own));
        let changes = found.lines().filter(|path| !is_own(path));
        Ok(changes.map(PathBuf::from).collect())
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.layer.path().join(name)
    }
}

impl Drop for Userland {
    fn drop(&mut self) {
        // So that the layer can be removed.
        let flags = rustix::mount::UnmountFlags::DETACH;
        let _ = rustix::mount::unmount(self.root(), flags);
    }
}
