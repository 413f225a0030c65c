//! Buffers that devices share: `/sys/kernel/dmabuf/buffers` (`CONFIG_DMABUF_SYSFS_STATS`), or
//! `dma_buf/bufinfo` in debugfs (drivers/dma-buf/dma-buf.c).

use std::{collections::BTreeMap, fs, io, path::Path};

/// Buffers of one exporter.
pub type BytesByExporter = BTreeMap<String, u64>;

/// The heap whose buffers are pages of the page allocator
/// (drivers/dma-buf/heaps/system_heap.c).
pub const SYSTEM_HEAP: &str = "system";

/// The buffers in a folder of sysfs: one folder for each, with `size` and `exporter_name`.
///
/// # Errors
///
/// If there is no such folder. A buffer that is gone meanwhile is left out.
pub fn in_folder(folder: &Path) -> io::Result<BytesByExporter> {
    let mut bytes = BytesByExporter::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let read = |name: &str| fs::read_to_string(path.join(name)).ok();
        let exporter = read("exporter_name");
        let size = read("size").and_then(|size| size.trim().parse().ok());
        if let (Some(exporter), Some(size)) = (exporter, size) {
            add(&mut bytes, exporter.trim(), size);
        }
    }
    Ok(bytes)
}

/// The buffers in the text of debugfs: lines of `SIZE FLAGS MODE COUNT EXPORTER INODE NAME`, and
/// between them what is attached.
pub fn in_text(bufinfo: &str) -> BytesByExporter {
    let mut bytes = BytesByExporter::new();
    for line in bufinfo.lines().filter(|line| !line.starts_with('\t')) {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let [size, flags, mode, count, exporter, ..] = words[..] else {
            continue;
        };
        let is_buffer = [flags, mode, count].iter().all(|it| is_hexadecimal(it));
        if let Some(size) = size.parse().ok().filter(|_| is_buffer) {
            add(&mut bytes, exporter, size);
        }
    }
    bytes
}

fn is_hexadecimal(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn add(bytes: &mut BytesByExporter, exporter: &str, size: u64) {
    let sum = bytes.entry(exporter.to_owned()).or_default();
    *sum = sum.saturating_add(size);
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUFINFO: &str = "
Dma-buf Objects:
size    \tflags   \tmode    \tcount   \texp_name\tino     \tname
08388608\t00000002\t00080007\t00000002\tsystem\t00000105\tcamera
\tAttached Devices:
Total 0 devices attached

00004096\t00000002\t00080007\t00000002\tdrm\t00000106\t<none>
\tAttached Devices:
\t0000:03:00.0
Total 1 devices attached


Total 2 objects, 8392704 bytes
";

    #[test]
    fn the_text_of_debugfs_is_read() {
        let expected = [("drm".to_owned(), 4096), ("system".to_owned(), 8 << 20)];
        assert_eq!(in_text(BUFINFO), BytesByExporter::from(expected));
        assert_eq!(in_text(""), BytesByExporter::new());
    }

    #[test]
    fn the_folder_of_sysfs_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        for (inode, size, exporter) in [("7", "4096\n", "system\n"), ("8", "x\n", "system\n")] {
            let buffer = folder.path().join(inode);
            fs::create_dir(&buffer).expect("room");
            fs::write(buffer.join("size"), size).expect("room");
            fs::write(buffer.join("exporter_name"), exporter).expect("room");
        }
        let expected = [("system".to_owned(), 4096)];
        let found = in_folder(folder.path()).expect("it is there");
        assert_eq!(found, BytesByExporter::from(expected));
        assert!(in_folder(Path::new("/no/such/folder")).is_err());
    }
}
