//! An uncompressed kernel image, for its debug information; only that of the
//! running kernel will do.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use memmap2::Mmap;
use object::{Object as _, ObjectSymbol as _};

use crate::kernel::notes::BuildId;

/// A kernel image that was found to be the running kernel's.
#[derive(Debug)]
pub struct Vmlinux {
    /// Where it lies.
    pub path: PathBuf,
    /// Where it was linked to begin, if it says so.
    stext: Option<u64>,
}

impl Vmlinux {
    /// Opens the image, and refuses it unless its build id is `running`.
    pub fn open(path: &Path, running: Option<&BuildId>) -> Result<Self> {
        let name = path.display();
        let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        // SAFETY: nobody rewrites a kernel image in place; one that does so
        // anyway can make this process see other bytes, or end it.
        let bytes = unsafe { Mmap::map(&file) }.with_context(|| format!("cannot read {name}"))?;
        let image = object::File::parse(&*bytes)
            .with_context(|| format!("{name} is not an uncompressed kernel image (vmlinux)"))?;
        check_build_id(&image, running).with_context(|| format!("{name} cannot be used"))?;
        Ok(Self {
            path: path.to_owned(),
            stext: symbol(&image, "_stext"),
        })
    }

    /// The image that a debug package of this kernel release installed, if there is one.
    pub fn installed(release: &str, running: Option<&BuildId>) -> Option<Self> {
        let candidates = [
            format!("/usr/lib/debug/boot/vmlinux-{release}"),
            format!("/usr/lib/debug/lib/modules/{release}/vmlinux"),
            format!("/lib/modules/{release}/build/vmlinux"),
            format!("/boot/vmlinux-{release}"),
        ];
        candidates
            .iter()
            .find_map(|path| Self::open(Path::new(path), running).ok())
    }

    /// How far the running kernel, whose `_stext` is at `stext`, lies above this image.
    pub fn kaslr_offset(&self, stext: u64) -> u64 {
        self.stext.map_or(0, |linked| stext.wrapping_sub(linked))
    }
}

fn check_build_id(image: &object::File<'_>, running: Option<&BuildId>) -> Result<()> {
    let Some(running) = running else {
        bail!("the running kernel has no build id to compare it with");
    };
    let id = image.build_id().context("its notes are damaged")?;
    let id = BuildId(id.context("it has no build id")?.to_vec());
    ensure!(
        id == *running,
        "it has build id {id}, the running kernel {running}"
    );
    Ok(())
}

/// Address the image gives to a symbol.
pub(super) fn symbol(image: &object::File<'_>, name: &str) -> Option<u64> {
    image
        .symbols()
        .find(|it| it.name() == Ok(name))
        .map(|it| it.address())
}
