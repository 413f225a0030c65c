//! `/proc/slabinfo`: the caches of the slab allocator.

use std::io::BufRead;

use anyhow::{Result, ensure};

use crate::model::SlabCache;

/// The caches, in the kernel's order; an error if the text is of another version than 2.
///
/// A line is `NAME ACTIVE OBJECTS BYTES PER_SLAB PAGES : tunables … : slabdata ACTIVE SLABS …`
/// (mm/slab_common.c, `cache_show`).
pub fn caches(slabinfo: impl BufRead, page_size: u64) -> Result<Vec<SlabCache>> {
    let mut lines = slabinfo.lines();
    let version = lines.next().transpose()?.unwrap_or_default();
    ensure!(
        version.starts_with("slabinfo - version: 2."),
        "/proc/slabinfo is of another version than 2: {version:?}"
    );
    let mut caches = Vec::new();
    for line in lines {
        caches.extend(cache(&line?, page_size));
    }
    Ok(caches)
}

fn cache(line: &str, page_size: u64) -> Option<SlabCache> {
    let (counts, rest) = line.split_once(" : ")?;
    let (_, slabs) = rest.split_once("slabdata")?;
    let mut counts = counts.split_ascii_whitespace();
    let name = counts.next()?.to_owned();
    let counts: Vec<u64> = counts.map_while(|word| word.parse().ok()).collect();
    let &[objects, _, object_bytes, _, pages_per_slab] = &counts[..] else {
        return None;
    };
    let slabs: u64 = slabs.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(SlabCache {
        name,
        bytes: slabs
            .saturating_mul(pages_per_slab)
            .saturating_mul(page_size),
        objects,
        object_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>
dentry             21000  21105    192   21    1 : tunables    0    0    0 : slabdata   1005   1005      0
kmalloc-8k            30     32   8192    4    8 : tunables    0    0    0 : slabdata      8      8      0
broken                30     32 : tunables    0    0    0 : slabdata      8      8      0
";

    #[test]
    fn a_cache_has_all_its_slabs() {
        let caches = caches(TEXT.as_bytes(), 4096).expect("a known version");
        let sizes: Vec<_> = caches
            .iter()
            .map(|it| (it.name.as_str(), it.bytes))
            .collect();
        assert_eq!(
            sizes,
            [("dentry", 1005 * 4096), ("kmalloc-8k", 8 * 8 * 4096)]
        );
        assert_eq!((caches[0].objects, caches[0].object_bytes), (21000, 192));
    }

    #[test]
    fn another_version_is_refused() {
        let error = caches(&b"slabinfo - version: 3.0\n"[..], 4096).expect_err("unknown");
        assert!(error.to_string().contains("3.0"), "{error}");
    }
}
