//! Each site's key is made again from its record, and what does not match is named.

use aya::{
    Pod,
    maps::{Array, Map, MapData, MapInfo, loaded_maps},
};
use pagetrace_tests::harness::{KernelObjects, Stress, Tracing, note, root_or_skip, skip};
use tracer_ebpf::{FIRST_SITE, Site, maps};

use crate::hold_500_pipes;

#[derive(Clone, Copy)]
#[repr(transparent)]
struct SiteWire(Site);

// SAFETY: `repr(C)` words without padding; any bit pattern is a value.
unsafe impl Pod for SiteWire {}

/// The site table of whoever made it since.
fn site_table(before: &KernelObjects) -> Array<MapData, SiteWire> {
    let is_new = |map: &MapInfo| !before.maps.contains(&map.id());
    let mut maps = loaded_maps().flatten().filter(is_new);
    let info = maps.find(|map| map.name_as_str() == Some(maps::SITES));
    let id = info.expect("pagetrace has one").id();
    let data = MapData::from_id(id).expect("root may open it");
    let map = Map::from_map_data(data).expect("a map");
    map.try_into().expect("an array")
}

#[test]
fn a_record_that_does_not_match_its_key_is_named() {
    let Some(_machine) = root_or_skip("a_record_that_does_not_match_its_key_is_named") else {
        return;
    };
    let before = KernelObjects::now();
    let trace = Tracing::attach(&[]);
    let mut sites = site_table(&before);
    let _leak = hold_500_pipes();
    let mut corrupted = 0;
    for id in FIRST_SITE..sites.len() {
        let SiteWire(mut site) = sites.get(&id, 0).expect("a record");
        if site.depth == 0 {
            break;
        }
        site.frames[usize::from(site.depth) / 2] ^= 8;
        sites.set(id, SiteWire(site), 0).expect("root may write it");
        corrupted += 1;
    }
    let outputs = trace.end();
    let report = &outputs.report;
    assert_eq!(
        report.losses.mismatched_sites, corrupted,
        "{:?}",
        report.losses
    );
    let wrong = report.sites_where(|site| site.owner == "[record mismatch]");
    let [wrong] = wrong[..] else {
        panic!("{:#?}", report.sites)
    };
    assert!(wrong.unfreed_pages >= 8000, "{wrong:#?}");
    assert!(!report.sites.iter().any(|site| site.contains("pipe_write")));
    let line = |line: &str| line.contains("record mismatches") && !line.trim().starts_with("0 ");
    assert!(outputs.table.lines().any(line), "{}", outputs.table);
}

/// Forks, sockets, pipes and mappings for a minute: tasks and interrupts that allocate in
/// each other's way.
const LOAD: [&str; 5] = [
    "--fork=1",
    "--sock=1",
    "--pipe=1",
    "--mmap=1",
    "--timeout=60",
];

#[test]
fn every_record_matches_its_key_under_stress() {
    let test = "every_record_matches_its_key_under_stress";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let trace = Tracing::attach(&[]);
    let Some(stress) = Stress::start(&LOAD) else {
        return skip(test, "stress-ng is not installed");
    };
    let status = stress.wait();
    let losses = trace.end().report.losses;
    assert!(status.success(), "{status}");
    note(&format!("{} events under stress", losses.events));
    assert_eq!(losses.mismatched_sites, 0, "{losses:?}");
    assert!(losses.events > 100_000, "{losses:?}");
}
