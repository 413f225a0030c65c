//! A flag that the text tells is a name of it, and comes back when asked for alone.

use pagetrace::kernel::gfp::flags;

pub(crate) fn check(data: &[u8]) {
    let format = crate::text(data);
    for (name, value) in flags(format) {
        assert!(format.contains(&name), "{name}");
        let alone = format!("{{(unsigned long)({value:#x}u), \"{name}\"}}");
        assert_eq!(flags(&alone).get(&name), Some(&value), "{name}");
        let shifted = format!("{{(gfp_t)(({value} | 0) & ~0), \"{name}\"}}");
        assert_eq!(flags(&shifted).get(&name), Some(&value), "{name}");
    }
}
