//! Any blob gives sections or an error, and a lookup reads what is in them.

use pagetrace::kernel::btf::Btf;

/// What pagetrace asks for, and what every blob has.
const NAMES: [&str; 6] = [
    "page",
    "MIGRATE_MOVABLE",
    "MIGRATE_PCPTYPES",
    "_refcount",
    "alloc_pages_bulk_noprof",
    "",
];

pub(crate) fn check(data: &[u8]) {
    let Ok(btf) = Btf::parse(data) else { return };
    for name in NAMES {
        for value in [btf.struct_size(name), btf.enumerator(name)] {
            let Ok(value) = value else { continue };
            assert!(has_string(data, name), "{name:?}");
            assert!(has(data, &value.to_le_bytes()), "{name:?} is {value}");
        }
        for parameter in btf.parameters(name).unwrap_or_default() {
            assert!(has_string(data, parameter), "{parameter:?}");
        }
        if let Ok(offset) = btf.member_offset("page", name) {
            assert!(offset <= u32::MAX / 8, "{name:?} at {offset}");
        }
    }
}

/// Strings end with a zero, so that an unnamed parameter has one, too.
fn has_string(data: &[u8], string: &str) -> bool {
    has(data, &[string.as_bytes(), &[0]].concat())
}

fn has(data: &[u8], needle: &[u8]) -> bool {
    data.windows(needle.len()).any(|window| window == needle)
}
