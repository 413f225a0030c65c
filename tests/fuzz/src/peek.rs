//! Every byte is counted, shares and bits are possible, and no secret beside its name is shown.

use pagetrace::analysis::peek::Scanner;

const SECRET: &str = "Tr0ub4dor";

pub(crate) fn check(data: &[u8]) {
    let planted = format!("\n{{\"password\":\"{SECRET}\",\"id\":1}}\n\0");
    let bytes = [data, planted.as_bytes()].concat();
    let mut scanner = Scanner::new(false);
    // What came once is not shown.
    for _ in 0..2 {
        scanner.feed(&bytes);
    }
    let peek = scanner.peek();
    assert_eq!(peek.sampled_bytes, 2 * bytes.len() as u64);
    assert!((0.0..=1.0).contains(&peek.zero_share));
    assert!((0.0..=8.0).contains(&peek.entropy_bits_per_byte));
    let texts = peek.json_keys.iter().chain(&peek.strings);
    let has_secret = |text: &str| text.contains(SECRET) && !contains(data, SECRET.as_bytes());
    assert!(
        !texts.into_iter().any(|it| has_secret(&it.text)),
        "{peek:?}"
    );
}

fn contains(data: &[u8], text: &[u8]) -> bool {
    data.windows(text.len()).any(|window| window == text)
}
