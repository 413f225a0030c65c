//! A value is whole KiB, spelled in the text, and of the first line of its name.

use pagetrace::kernel::meminfo::bytes;

pub(crate) fn check(data: &[u8]) {
    let meminfo = crate::text(data);
    let names = meminfo.lines().filter_map(|line| line.split_once(':'));
    for name in names.map(|(name, _)| name).take(16).chain(["MemTotal"]) {
        if let Some(value) = bytes(meminfo, name) {
            assert_eq!(value % 1024, 0, "{name}");
            assert!(meminfo.contains(&(value / 1024).to_string()), "{name}");
        }
        let others = format!("x{name}: 3 kB\n{name}x: 3 kB\n{meminfo}");
        assert_eq!(bytes(&others, name), bytes(meminfo, name), "{name}");
        let before = format!("{name}:  7 kB\n{meminfo}");
        assert_eq!(bytes(&before, name), Some(7 * 1024), "{name}");
    }
}
