//! The keys of JSON objects in a text that need not be JSON as a whole.

use super::text::as_text;

/// The longest key.
const LONGEST: usize = 64;

/// What stands in quotes before a colon, also in JSON that is a string of JSON (`\"key\":`).
pub(super) fn keys(text: &[u8]) -> impl Iterator<Item = &str> {
    let quotes = text.iter().enumerate().filter(|(_, byte)| **byte == b'"');
    quotes.filter_map(|(index, _)| key(text.get(index + 1..)?))
}

/// The key that this begins with, after its opening quote.
fn key(text: &[u8]) -> Option<&str> {
    let within = text.get(..text.len().min(LONGEST + 1))?;
    let end = within.iter().position(|&byte| byte == b'"')?;
    let mut after = text.get(end + 1..)?.iter();
    let colon = after.find(|byte| !byte.is_ascii_whitespace())?;
    let name = text.get(..end)?;
    let name = name.strip_suffix(b"\\").unwrap_or(name);
    let is_name = !name.is_empty() && !name.iter().any(|byte| byte.is_ascii_control());
    // Between two strings of a list stands punctuation only.
    let says_something = name
        .iter()
        .any(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
    (*colon == b':' && is_name && says_something).then(|| as_text(name))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<&str> {
        keys(text.as_bytes()).collect()
    }

    #[test]
    fn keys_stand_before_a_colon() {
        let text = r#"{"id": 7, "name" : "x:y", "tags":["a","b"], "größe":{"in":"\"q\""}}"#;
        assert_eq!(all(text), ["id", "name", "tags", "größe", "in"]);
    }

    #[test]
    fn json_in_a_string_has_keys_too() {
        assert_eq!(all(r#"{"body":"{\"user\":\"x\"}"}"#), ["body", "user"]);
    }

    #[test]
    fn what_is_no_key_is_none() {
        let long = format!("\"{}\": 1", "x".repeat(LONGEST + 1));
        for text in [
            "", "\"", "\"\":1", "\"a\"", "\"a\" 1", "key: 1", "\",\":", &long,
        ] {
            assert!(all(text).is_empty(), "{text}");
        }
    }
}
