//! What memory control groups have of what no counter explains.

use std::{cmp::Reverse, collections::BTreeMap};

use super::holders::{About, holder, pages_of_objects};
use crate::model::{CgroupPages, Found, Held, PageUse};

/// By charge, of what is charged, and by the process that holds it, of what is not; most first.
/// `charged` tells how many page frames a control group is charged for, by its address.
pub fn cgroup_pages<'a>(
    found: &Found,
    held: &Held,
    about: &About,
    charged: impl IntoIterator<Item = (&'a u64, &'a u64)>,
) -> Vec<CgroupPages> {
    let mut groups = BTreeMap::<Option<String>, (u64, u64)>::new();
    for (owner, pages) in charged {
        let name = about.owners.get(owner).cloned().flatten();
        groups.entry(name).or_default().0 += pages;
    }
    let is_uncharged = |of: PageUse| of.is_unexplained() && of != PageUse::Charged;
    for (object, pages) in pages_of_objects(held, is_uncharged) {
        let holder = holder(found, about, object);
        let name = holder.and_then(|it| it.owner.cgroup);
        groups.entry(name).or_default().1 += pages;
    }
    let bytes = |pages: u64| pages.saturating_mul(about.page_size);
    let mut groups: Vec<_> = groups
        .into_iter()
        .map(|(cgroup, (charged, uncharged))| CgroupPages {
            pod: cgroup.as_deref().and_then(pod),
            cgroup,
            charged_bytes: bytes(charged),
            held_uncharged_bytes: bytes(uncharged),
        })
        .collect();
    groups.sort_by_key(|it| Reverse(it.charged_bytes + it.held_uncharged_bytes));
    groups
}

/// The id of the pod in a path, as the kubelet makes it: `/kubepods/burstable/pod12ab…/…`, or
/// `…/kubepods-burstable-pod12ab_….slice/…`.
fn pod(path: &str) -> Option<String> {
    let mut folders = path.split('/');
    folders.find(|it| it.starts_with("kubepods"))?;
    let mut all = path.split('/').skip(1);
    all.find_map(|folder| {
        let name = folder.strip_suffix(".slice").unwrap_or(folder);
        let (before, id) = name.rsplit_once("pod")?;
        let is_one = before.is_empty() || before.ends_with('-');
        (is_one && id.len() > 8).then(|| id.replace('_', "-"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_named_by_both_drivers_of_the_kubelet() {
        let id = "0b3f8c1e-7c1e-4a52-9a53-2a6c8f0f1b11";
        let cgroupfs = format!("/kubepods/burstable/pod{id}/4f5a");
        assert_eq!(pod(&cgroupfs).as_deref(), Some(id));
        let slice = format!(
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/cri-4f5a",
            id.replace('-', "_")
        );
        assert_eq!(pod(&slice).as_deref(), Some(id));
        assert_eq!(pod("/system.slice/podman-4711-longer.service"), None);
        assert_eq!(pod("/kubepods/besteffort"), None);
    }
}
