//! Any bytes give a snapshot or one sentence; a snapshot has a balance that adds up or one
//! sentence, can be shown whatever it says, and does not differ from itself.

use pagetrace::{
    analysis,
    model::{Line, MemReport, Saved as _, Snapshot, Threshold},
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

fn adds_up(line: &Line) {
    if !line.parts.is_empty() {
        let parts = line.parts.iter().map(|part| i128::from(part.bytes));
        assert_eq!(i128::from(line.bytes), parts.sum::<i128>(), "{}", line.name);
    }
}
