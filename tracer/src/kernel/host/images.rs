//! The images of code that run: the kernel proper, and its modules as /sys/module has them.

use std::{collections::BTreeSet, fs, path::Path};

use super::build_id;
use crate::{kernel::notes, model::Image};

const MODULES: &str = "/sys/module";

/// The kernel proper, whose text begins there, and these modules. What does not say its build or hides
/// its address is listed without.
pub fn images(modules: BTreeSet<&str>, text_address: Option<u64>) -> Vec<Image> {
    let kernel = Image {
        module: None,
        build_id: build_id().map(|it| it.to_string()),
        text_address: text_address.unwrap_or(0),
    };
    let modules = modules.into_iter();
    let modules = modules.map(|name| module(Path::new(MODULES), name));
    [kernel].into_iter().chain(modules).collect()
}

/// What a folder of modules says of one of them (kernel/module/sysfs.c).
fn module(folder: &Path, name: &str) -> Image {
    // The kernel's own names for code, as of BPF programs, have no folder.
    let folder = folder.join(name);
    let notes = fs::read(folder.join("notes/.note.gnu.build-id"));
    let text = fs::read_to_string(folder.join("sections/.text"));
    Image {
        module: Some(name.to_owned()),
        build_id: notes
            .ok()
            .and_then(|notes| notes::build_id(&notes))
            .map(|it| it.to_string()),
        text_address: text.ok().and_then(|text| address(&text)).unwrap_or(0),
    }
}

/// `0xffffffffc0a81000`
fn address(text: &str) -> Option<u64> {
    u64::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_says_where_it_is_and_which_build() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let module_folder = folder.path().join("virtio_net");
        for name in ["notes", "sections"] {
            fs::create_dir_all(module_folder.join(name)).expect("our folder");
        }
        let note = b"\x04\0\0\0\x03\0\0\0\x03\0\0\0GNU\0\xde\xad\x01\0";
        fs::write(module_folder.join("notes/.note.gnu.build-id"), note).expect("our folder");
        let text = module_folder.join("sections/.text");
        fs::write(&text, "0xffffffffc0a81000\n").expect("our folder");
        let image = module(folder.path(), "virtio_net");
        assert_eq!(image.build_id.as_deref(), Some("dead01"));
        assert_eq!(image.text_address, 0xffff_ffff_c0a8_1000);
        fs::write(&text, "(hidden)\n").expect("our folder");
        assert_eq!(module(folder.path(), "virtio_net").text_address, 0);
    }

    #[test]
    fn what_is_no_module_has_a_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let image = module(folder.path(), "bpf");
        assert_eq!(image.module.as_deref(), Some("bpf"));
        assert_eq!((image.build_id, image.text_address), (None, 0));
    }

    #[test]
    fn the_kernel_proper_comes_first() {
        let images = images(BTreeSet::from(["no_such_module"]), Some(0x1000));
        assert_eq!((&images[0].module, images[0].text_address), (&None, 0x1000));
        assert_eq!(images[1].module.as_deref(), Some("no_such_module"));
    }
}
