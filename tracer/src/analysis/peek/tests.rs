use super::*;

fn peek(bytes: &[u8], raw: bool) -> Peek {
    let mut scanner = Scanner::new(raw);
    scanner.feed(bytes);
    scanner.peek()
}

fn documents(number: usize) -> Vec<u8> {
    let document = |index| {
        format!(
            "\0{{\"session\":{index},\"user\":\"somebody\",\"password\":\"hunter2-{}\"}}\0",
            index % 5
        )
    };
    (0..number).map(document).collect::<String>().into_bytes()
}

fn counts(counted: &[crate::model::Counted]) -> Vec<(&str, u64)> {
    counted
        .iter()
        .map(|it| (it.text.as_str(), it.count))
        .collect()
}

#[test]
fn piled_up_json_is_named_by_its_keys() {
    let peek = peek(&documents(50), false);
    assert_eq!(
        counts(&peek.json_keys),
        [("password", 50), ("session", 50), ("user", 50)]
    );
    assert_eq!(counts(&peek.strings), [("somebody", 50)]);
    assert_eq!(peek.masked_values, Some(50));
    assert!((3.5..5.5).contains(&peek.entropy_bits_per_byte), "{peek:?}");
}

#[test]
fn no_secret_is_left() {
    let text = serde_json::to_string(&peek(&documents(50), false)).expect("plain values");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn raw_shows_everything() {
    let peek = peek(&documents(50), true);
    assert!(peek.strings.iter().any(|it| it.text == "hunter2-0"));
    assert_eq!(peek.masked_values, None);
}

#[test]
fn half_a_secret_at_the_end_of_a_stretch_is_no_text() {
    let stretch = b"hunter2-the-long-one\",\"user\":\"somebody\",\"x\":\"eyJhbGciOiJ";
    let mut scanner = Scanner::new(false);
    for _ in 0..2 {
        scanner.feed(stretch);
    }
    assert_eq!(counts(&scanner.peek().strings), [("somebody", 2)]);
}

#[test]
fn zeros_and_noise_are_told() {
    let zeros = peek(&[0; 4096], false);
    assert_eq!((zeros.zero_share, zeros.entropy_bits_per_byte), (1.0, 0.0));
    let all: Vec<u8> = (0..=255).cycle().take(1 << 16).collect();
    let noise = peek(&all, false);
    assert!(noise.entropy_bits_per_byte > 7.9, "{noise:?}");
    let nothing = peek(&[], false);
    assert_eq!((nothing.zero_share, nothing.sampled_bytes), (0.0, 0));
}

#[test]
fn stretches_add_up() {
    let mut scanner = Scanner::new(false);
    let stretch = documents(10);
    for _ in 0..3 {
        scanner.feed(&stretch);
    }
    let peek = scanner.peek();
    assert_eq!(peek.sampled_bytes, 3 * stretch.len() as u64);
    assert_eq!(peek.json_keys[0].count, 30);
}
