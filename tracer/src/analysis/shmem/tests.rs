use super::{
    sample::{GIB, MIB, device, snapshot},
    *,
};

/// The balance of the sample, changed.
fn changed(change: impl FnOnce(&mut Shmem, &mut ShmemContents)) -> ShmemBalance {
    let mut snapshot = snapshot();
    let mut known = snapshot.shmem.take().expect("it is known");
    let mut contents = known.contents.take().expect("they are known");
    change(&mut known, &mut contents);
    known.contents = Some(contents);
    snapshot.shmem = Some(known);
    shmem(&snapshot).expect("it is known")
}

fn same(_: &mut Shmem, _: &mut ShmemContents) {}

/// Fails unless the parts of each line are that line.
fn adds_up(tree: &Line) {
    for line in tree.lines().filter(|line| !line.parts.is_empty()) {
        let parts: i64 = line.parts.iter().map(|part| part.bytes).sum();
        assert_eq!(line.bytes, parts, "{}", line.name);
    }
}

fn bytes_of(balance: &ShmemBalance, name: &str) -> Option<i64> {
    let mut lines = balance.tree.lines();
    lines.find(|line| line.name == name).map(|line| line.bytes)
}

fn mib(mib: u64) -> i64 {
    signed(mib * MIB)
}

#[test]
fn every_part_is_counted_once_and_all_add_up() {
    let balance = changed(same);
    adds_up(&balance.tree);
    assert_eq!(balance.tree.bytes, signed(balance.total_bytes));
    // A deleted file is in what its file system uses, and huge pages are in no part of it.
    assert_eq!(bytes_of(&balance, "/run"), Some(mib(15 * 1024 + 200)));
    assert_eq!(bytes_of(&balance, "memfds"), Some(mib(256)));
    assert_eq!(bytes_of(&balance, "orphaned"), Some(mib(128)));
    assert_eq!(bytes_of(&balance, "attached"), Some(mib(8)));
    assert_eq!(balance.unattributed_bytes, mib(3));
    assert_eq!(bytes_of(&balance, "at least, elsewhere"), Some(mib(2)));
}

#[test]
fn a_file_system_without_a_limit_is_as_full_as_its_files() {
    let balance = changed(|known, _| known.file_systems.retain(|it| it.point == "/cache"));
    assert_eq!(bytes_of(&balance, "file systems in memory"), Some(mib(100)));
}

#[test]
fn a_full_file_system_is_the_answer() {
    let balance = changed(same);
    let largest = balance.largest.expect("there is one");
    assert_eq!(largest.kind, ShmemKind::FileSystem);
    assert_eq!(largest.name, "/run");
    let findings: Vec<_> = balance.findings.iter().map(|it| it.kind).collect();
    let expected = [
        ShmemKind::FileSystem,
        ShmemKind::DeletedFile,
        ShmemKind::OrphanedSegment,
    ];
    assert_eq!(findings, expected);
    assert_eq!(balance.ranking[0].name, "/run/log/app.log.1");
    assert_eq!(balance.ranking[0].holders.count, 1);
}

#[test]
fn what_nobody_has_can_be_the_answer() {
    let balance = changed(|known, contents| {
        known.file_systems.clear();
        contents.objects.clear();
        contents.segments.clear();
        contents.unreadable_mapped_bytes = 0;
    });
    adds_up(&balance.tree);
    let largest = balance.largest.expect("there is one");
    assert_eq!(largest.kind, ShmemKind::Unattributed);
    assert_eq!(largest.bytes, balance.total_bytes);
    assert!(balance.findings.is_empty() && balance.ranking.is_empty());
}

#[test]
fn what_is_swapped_out_is_not_in_shmem() {
    let mut snapshot = snapshot();
    let swap = snapshot.memory.meminfo.get_mut("SwapTotal");
    *swap.expect("it is there") = GIB;
    let contents = snapshot.shmem.as_mut().and_then(|it| it.contents.as_mut());
    contents.expect("they are known").after_bytes -= 50 * MIB;
    let balance = shmem(&snapshot).expect("it is known");
    adds_up(&balance.tree);
    assert_eq!(bytes_of(&balance, "swapped out of these"), Some(-mib(47)));
    assert_eq!(balance.swapped_bytes, 47 * MIB);
    assert_eq!(balance.unattributed_bytes, 0);
}

#[test]
fn what_of_segments_is_swapped_out_is_known() {
    let balance = changed(|_, contents| contents.segments[0].swapped_bytes = 10 * MIB);
    adds_up(&balance.tree);
    assert_eq!(bytes_of(&balance, "orphaned"), Some(mib(138)));
    assert_eq!(balance.swapped_bytes, 10 * MIB);
    assert_eq!(balance.unattributed_bytes, mib(3));
}

#[test]
fn without_swap_too_much_is_said() {
    let balance = changed(|_, contents| contents.after_bytes -= 50 * MIB);
    adds_up(&balance.tree);
    assert_eq!(balance.unattributed_bytes, -mib(47));
}

#[test]
fn numbers_that_cannot_be_do_no_harm() {
    let balance = changed(|known, contents| {
        for file_system in &mut known.file_systems {
            file_system.used_bytes = Some(u64::MAX);
            file_system.limit_bytes = Some(0);
        }
        for object in &mut contents.objects {
            object.device = device(25);
            object.bytes = Some(u64::MAX);
        }
        contents.unreadable_mapped_bytes = u64::MAX;
    });
    assert_eq!(balance.largest.map(|it| it.bytes), Some(u64::MAX));
}

#[test]
fn a_snapshot_without_shared_memory_is_refused() {
    let mut snapshot = snapshot();
    snapshot.shmem.as_mut().expect("it is known").contents = None;
    let error = shmem(&snapshot).expect_err("it is not known");
    assert!(error.to_string().contains("shared memory"), "{error}");
}
