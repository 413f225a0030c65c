use super::*;
use crate::{
    analysis::{self, shmem::sample::snapshot},
    model::Snapshot,
};

fn shown(snapshot: Snapshot, whole: bool) -> String {
    let balance = analysis::shmem(&snapshot).expect("it is known");
    let mut text = Vec::new();
    let extent = Extent { top: 5, whole };
    shm(&ShmReport::new(snapshot, balance), extent, &mut text).expect("memory takes everything");
    anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
}

#[test]
fn a_full_tmpfs() {
    insta::assert_snapshot!("a_full_tmpfs", shown(snapshot(), false));
}

#[test]
fn a_full_tmpfs_in_full() {
    insta::assert_snapshot!("a_full_tmpfs_in_full", shown(snapshot(), true));
}

#[test]
fn nothing_is_held() {
    let mut empty = snapshot();
    let shmem = empty.shmem.as_mut().expect("it is known");
    shmem.file_systems.clear();
    shmem.contents = Some(crate::model::ShmemContents::default());
    insta::assert_snapshot!("nothing_is_held", shown(empty, false));
}

#[test]
fn some_is_swapped_out() {
    let mut swapping = snapshot();
    let swap = ("SwapTotal".to_owned(), 1 << 40);
    swapping.memory.meminfo.extend([swap]);
    let shmem = swapping.shmem.as_mut().expect("it is known");
    let contents = shmem.contents.as_mut().expect("they are known");
    contents.after_bytes -= 4 << 30;
    contents.before_bytes = contents.after_bytes;
    insta::assert_snapshot!("some_is_swapped_out", shown(swapping, false));
}
