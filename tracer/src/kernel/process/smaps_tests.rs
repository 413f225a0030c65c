use super::*;

/// Linux 6.18.
const NEW: &[u8] = b"\
55e0a0000000-55e0a0002000 r--p 00000000 fe:00 247282                     /usr/bin/my app
Size:                  8 kB
Rss:                   8 kB
Pss:                   4 kB
Pss_Dirty:             0 kB
Anonymous:             0 kB
KSM:                   0 kB
Swap:                  0 kB
SwapPss:               0 kB
THPeligible:           0
ProtectionKey:         0
VmFlags: rd mr mw me
55e0a1000000-55e0a1100000 rw-p 00000000 00:00 0                          [heap]
Size:               1024 kB
Rss:                 900 kB
Pss:                 900 kB
Anonymous:           900 kB
Swap:                 16 kB
VmFlags: rd wr mr mw me ac
7f0000000000-7f0000010000 rw-p 00000000 00:00 0
Size:                 64 kB
Rss:                  64 kB
Pss:                  64 kB
Anonymous:            64 kB
7f0000020000-7f0000030000 rw-p 00000000 00:00 0 
Rss:                   4 kB
Pss:                   4 kB
Anonymous:             4 kB
";

/// A kernel without swap and without `Anonymous:`, a name that is no UTF-8, and fields to come.
const STRANGE: &[u8] = b"\
00400000-00401000 r-xp 00000000 08:01 9 /opt/\xff\\012x (deleted)
Rss:                   4 kB
NewField:              1 kB
new-field: what this may be
Another line
Pss:   x kB
";

fn all(smaps: &[u8]) -> Vec<Area> {
    let mut all = Vec::new();
    areas(smaps, |area| all.push(area)).expect("bytes can be read");
    all
}

#[test]
fn mappings_are_told_apart() {
    let areas = all(NEW);
    let names: Vec<_> = areas.iter().map(|it| it.mapping.name.as_str()).collect();
    assert_eq!(
        names,
        ["/usr/bin/my app", "[heap]", "[anonymous]", "[anonymous]"]
    );
    assert_eq!(areas[0].range, 0x55e0_a000_0000..0x55e0_a000_2000);
    assert_eq!(areas[0].mapping.pss_bytes, 4 << 10);
    assert_eq!(areas[1].mapping.swap_bytes, 16 << 10);
}

#[test]
fn those_of_one_name_are_added_up_and_the_largest_is_first() {
    let mappings = mappings(NEW).expect("bytes can be read");
    let heap = Mapping {
        name: "[heap]".to_owned(),
        count: 1,
        size_bytes: 1 << 20,
        rss_bytes: 900 << 10,
        pss_bytes: 900 << 10,
        anonymous_bytes: 900 << 10,
        swap_bytes: 16 << 10,
    };
    let anonymous = Mapping {
        name: Mapping::ANONYMOUS.to_owned(),
        count: 2,
        size_bytes: 128 << 10,
        rss_bytes: 68 << 10,
        pss_bytes: 68 << 10,
        anonymous_bytes: 68 << 10,
        swap_bytes: 0,
    };
    assert_eq!(mappings[..2], [heap, anonymous]);
}

#[test]
fn lines_that_are_missing_or_new_do_no_harm() {
    let areas = all(STRANGE);
    let [area] = &areas[..] else {
        panic!("{areas:?}");
    };
    assert_eq!(area.mapping.name, "/opt/\u{fffd}\\012x (deleted)");
    assert_eq!(
        (area.mapping.rss_bytes, area.mapping.pss_bytes),
        (4 << 10, 0)
    );
}

#[test]
fn the_rollup_is_one_number() {
    let text = b"00400000-7fff0000 ---p 00000000 00:00 0   [rollup]\nRss:  1616 kB\n\
        Pss:      251 kB\nPss_Dirty:  112 kB\n";
    assert_eq!(pss(text), Some(251 << 10));
    assert_eq!(pss(b"Pss_Dirty:  112 kB\n"), None);
    assert_eq!(pss(b""), None);
}

#[test]
fn three_megabytes_are_read() {
    let area = |index: usize| {
        format!(
            "{:x}-{:x} rw-p 00000000 00:00 0 [anon:arena {index}]\nRss: 4 kB\n{}",
            index << 12,
            (index + 1) << 12,
            "Shared_Hugetlb:        0 kB\n".repeat(20)
        )
    };
    let text: String = (1..=5000).map(area).collect();
    assert!(text.len() > 3_000_000 - 300_000);
    let mappings = mappings(text.as_bytes()).expect("bytes can be read");
    assert_eq!(mappings.len(), 5000);
    assert!(mappings.iter().all(|it| it.rss_bytes == 4096));
}
