//! Any bytes give a snapshot or one sentence; a snapshot has a balance that adds up or one
//! sentence, can be shown whatever it says, and does not differ from itself.

use pagetrace::{
    analysis,
    model::{Line, MemReport, PagesBy, Saved as _, Snapshot, Threshold},
    render::{self, Extent},
};

pub(crate) fn check(data: &[u8]) {
    match Snapshot::from_json(data) {
        Ok(snapshot) => show(snapshot),
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
}

fn show(snapshot: Snapshot) {
    let Ok(balance) = analysis::balance(&snapshot.memory, Threshold::Usual) else {
        return;
    };
    balance.tree.lines().for_each(adds_up);
    show_kernel_memory(&snapshot);
    let itself = analysis::snapshots(&snapshot, &snapshot).expect("it has a balance");
    assert_eq!(itself.kinds, []);
    assert_eq!(itself.slabs, []);
    let compare = |census| analysis::compare(census, &snapshot.memory, &balance.tree);
    let census = snapshot.census.as_ref().map(compare).unwrap_or_default();
    let report = MemReport::new(snapshot, balance, census);
    for whole in [false, true] {
        let mut shown = Vec::new();
        let extent = Extent { top: 3, whole };
        render::mem(&report, extent, &mut shown).expect("memory takes everything");
        assert!(!shown.is_empty());
    }
}

/// What a look at the kernel's memory has told.
fn show_kernel_memory(snapshot: &Snapshot) {
    for whole in [false, true] {
        let mut shown = Vec::new();
        let extent = Extent { top: 3, whole };
        if let Some(mut holders) = snapshot.page_holders.clone() {
            let first = holders.clone();
            analysis::since_baseline(&mut holders, &first);
            render::holders(&holders, extent, &mut shown).expect("memory takes everything");
        }
        if let Some(sockets) = &snapshot.sockets {
            render::sockets(sockets, extent, &mut shown).expect("memory takes everything");
        }
        if let Some(pages) = &snapshot.pages {
            let by = PagesBy::default();
            render::pages(pages, by, extent, &mut shown).expect("memory takes everything");
        }
    }
}

fn adds_up(line: &Line) {
    if !line.parts.is_empty() {
        let parts = line.parts.iter().map(|part| i128::from(part.bytes));
        assert_eq!(i128::from(line.bytes), parts.sum::<i128>(), "{}", line.name);
    }
}
