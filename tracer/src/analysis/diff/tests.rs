use super::*;

#[test]
fn amounts_of_one_name_are_added_up_and_equal_ones_left_out() {
    let mut amounts = Amounts::default();
    for (side, name, bytes) in [
        (0, "worker", 10),
        (0, "worker", 5),
        (1, "worker", 100),
        (0, "same", 7),
        (1, "same", 7),
        (1, "new", 3),
        (0, "gone", 200),
    ] {
        amounts.add(side, name.to_owned(), bytes);
    }
    let changes = amounts.changes();
    let changes: Vec<_> = changes
        .iter()
        .map(|it| (it.name.as_str(), it.before_bytes, it.after_bytes))
        .collect();
    assert_eq!(
        changes,
        [
            ("gone", Some(200), None),
            ("worker", Some(15), Some(100)),
            ("new", None, Some(3)),
        ]
    );
}
