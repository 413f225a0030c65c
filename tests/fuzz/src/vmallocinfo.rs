//! Each area is counted once, whichever order they come in.

use pagetrace::kernel::vmallocinfo::callers;

const AREA: &[u8] = b"0x0-0x1 8192 \xc2\xa7own+0x1/0x2 pages=3 vmalloc N0=3\n";

pub(crate) fn check(data: &[u8]) {
    let Ok(found) = callers(data, 4096) else {
        return;
    };
    let areas: u64 = found.iter().map(|caller| caller.areas).sum();
    assert!(areas <= data.split(|&byte| byte == b'\n').count() as u64);
    let with_one_more = callers(&[AREA, data].concat()[..], 4096);
    let with_one_more = with_one_more.expect("what could be read before can be read");
    let own = with_one_more
        .iter()
        .filter(|it| it.function == "§own" && it.module.is_none());
    let before = found
        .iter()
        .filter(|it| it.function == "§own" && it.module.is_none());
    let areas = |callers: &mut dyn Iterator<Item = u64>| callers.sum::<u64>();
    let (own, before) = (
        areas(&mut own.map(|it| it.areas)),
        areas(&mut before.map(|it| it.areas)),
    );
    assert_eq!(own, before + 1);
}
