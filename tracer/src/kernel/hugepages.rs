//! `/sys/kernel/mm/hugepages`: the pools of huge pages, a folder for each size.

use std::{fs, io, path::Path};

use crate::model::HugePages;

/// The pools in this folder, smallest pages first; none where the kernel has no huge pages.
pub fn pools(folder: &Path) -> io::Result<Vec<HugePages>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut pools = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some(page_bytes) = page_bytes(&entry.file_name().to_string_lossy()) {
            pools.push(pool(&entry.path(), page_bytes)?);
        }
    }
    pools.sort_by_key(|pool| pool.page_bytes);
    Ok(pools)
}

/// `hugepages-2048kB`.
fn page_bytes(name: &str) -> Option<u64> {
    let kib: u64 = name
        .strip_prefix("hugepages-")?
        .strip_suffix("kB")?
        .parse()
        .ok()?;
    kib.checked_mul(1024)
}

fn pool(folder: &Path, page_bytes: u64) -> io::Result<HugePages> {
    let count = |name: &str| {
        let text = fs::read_to_string(folder.join(name))?;
        text.trim().parse().map_err(io::Error::other)
    };
    Ok(HugePages {
        page_bytes,
        total: count("nr_hugepages")?,
        free: count("free_hugepages")?,
        reserved: count("resv_hugepages")?,
        surplus: count("surplus_hugepages")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, total) in [
            ("hugepages-1048576kB", 1),
            ("hugepages-2048kB", 50),
            ("other", 9),
        ] {
            let pool = folder.path().join(name);
            fs::create_dir(&pool).expect("a folder");
            for (file, count) in [("nr", total), ("free", total), ("resv", 0), ("surplus", 0)] {
                fs::write(pool.join(format!("{file}_hugepages")), format!("{count}\n"))
                    .expect("room");
            }
        }
        let pools = pools(folder.path()).expect("readable");
        let sizes: Vec<_> = pools
            .iter()
            .map(|pool| (pool.page_bytes, pool.total))
            .collect();
        assert_eq!(sizes, [(2 << 20, 50), (1 << 30, 1)]);
        assert_eq!(pools[0].idle_bytes(), 100 << 20);
    }

    #[test]
    fn a_kernel_without_them_has_none() {
        let pools = pools(Path::new("/no/such/folder")).expect("that is no error");
        assert!(pools.is_empty());
    }
}
