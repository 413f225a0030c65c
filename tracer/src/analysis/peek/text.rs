//! Text among bytes.

/// The least length of a text, in bytes.
const SHORTEST: usize = 6;

/// What is kept of a longer one.
const LONGEST: usize = 100;

/// The bytes without what could be one text with what lies beyond their ends.
pub(super) fn inner(bytes: &[u8]) -> &[u8] {
    let is_end = |&byte: &u8| byte == b'"' || byte == b'\n' || !is_text(byte);
    let start = bytes.iter().position(is_end).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(is_end).map_or(0, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// Stretches that look like text: printable ASCII, white space, or what may be UTF-8.
pub(super) fn runs(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let runs = bytes.split(|&byte| !is_text(byte));
    runs.filter(|run| run.len() >= SHORTEST)
}

/// The texts in such a stretch: lines, and of them what stands between quotes.
pub(super) fn pieces(run: &[u8]) -> impl Iterator<Item = &str> {
    let pieces = run.split(|&byte| byte == b'"' || byte.is_ascii_control());
    pieces.filter_map(piece)
}

/// The bytes as text; none if they are something else.
pub(super) fn as_text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

fn piece(bytes: &[u8]) -> Option<&str> {
    let text = as_text(bytes)?.trim_matches(|c: char| " ,:;{}[]()\\".contains(c));
    let end = text.floor_char_boundary(LONGEST);
    let text = text.get(..end)?;
    // Numbers alone say nothing without what they are of.
    let says_something = text.chars().filter(|c| c.is_alphabetic()).count() >= 3;
    (text.len() >= SHORTEST && says_something).then_some(text)
}

const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_beyond_the_ends_is_left_out() {
        for (bytes, expected) in [
            (
                &b"ter2\",\"user\":\"ann\",\"token\":\"ab"[..],
                &b"\",\"user\":\"ann\",\"token\":\""[..],
            ),
            (b"\0inside\0", b"\0inside\0"),
            (b"all of it is text", b""),
            (b"one\ntwo\nthree", b"\ntwo\n"),
            (b"", b""),
        ] {
            assert_eq!(inner(bytes), expected);
        }
    }

    #[test]
    fn text_is_cut_at_quotes_and_lines() {
        let bytes = b"\x01\"GET /index.html\": 200,\n\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\0\xff\xfe\xff\xfe\xff\xfe\xff\0short\0";
        let pieces: Vec<_> = runs(bytes).flat_map(pieces).collect();
        assert_eq!(pieces, ["GET /index.html", "привет"]);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "ж".repeat(200);
        let pieces: Vec<_> = pieces(text.as_bytes()).collect();
        assert_eq!(pieces, ["ж".repeat(LONGEST / 2)]);
    }
}
