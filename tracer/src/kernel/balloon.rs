//! What drivers of balloons say: memory that was given back to the hypervisor.

/// VMware's `vmmemctl` in debugfs: pages of 4 KiB, in the line `current: 4711 pages`
/// (drivers/misc/vmw_balloon.c).
pub fn vmware_bytes(vmmemctl: &str) -> Option<u64> {
    pages_of_4k(vmmemctl, "current")
}

/// Hyper-V's `hv-balloon` in debugfs: pages of 4 KiB, in the line `pages_ballooned : 4711`
/// (drivers/hv/hv_balloon.c).
pub fn hyper_v_bytes(hv_balloon: &str) -> Option<u64> {
    pages_of_4k(hv_balloon, "pages_ballooned")
}

fn pages_of_4k(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
    let pages: u64 = value.split_ascii_whitespace().next()?.parse().ok()?;
    pages.checked_mul(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VMWARE: &str = "\
balloon capabilities:   0x1e
used capabilities:      0x6
is resetting:           n
target:             262144 pages
current:             65536 pages
rateSleepAlloc:      2048 pages/sec
";
    const HYPER_V: &str = "\
host_version          : 2.0
capabilities          : enabled hot_add
state                 : 1 (Initialized)
page_size             : 4096
pages_added           : 0
pages_onlined         : 0
pages_ballooned       : 1024
pages_total_committed : 500000
";

    #[test]
    fn balloons_are_read() {
        assert_eq!(vmware_bytes(VMWARE), Some(256 << 20));
        assert_eq!(hyper_v_bytes(HYPER_V), Some(4 << 20));
        assert_eq!(vmware_bytes(HYPER_V), None);
        assert_eq!(hyper_v_bytes("pages_ballooned : x\n"), None);
        assert_eq!(vmware_bytes("current: 9999999999999999999 pages\n"), None);
    }
}
