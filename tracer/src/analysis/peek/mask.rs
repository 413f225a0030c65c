//! Values that look like secrets, replaced: by the name beside them, or by their form. A secret
//! that has neither cannot be told from other text.

use std::{borrow::Cow, sync::LazyLock};

use regex::bytes::{Captures, Regex};

/// What stands for a secret.
pub(super) const MASKED: &[u8] = b"***";

/// A form of secrets. Of a match, `before` and `after` stay.
struct Form {
    pattern: &'static str,
    /// What must be true of a match beside.
    is_secret: fn(&[u8]) -> bool,
}

/// A name with its value: a string, also one in a string; a list; an object; or a word.
macro_rules! named {
    ($name:literal) => {
        always(concat!(
            r"(?-u)(?<before>",
            $name,
            r#"\\*["']?\s*(?:=>|[:=])\s*)"#,
            r#"(?:\\+"[^"]*"?|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\[[^\]]*\]?|\{[^}]*\}?"#,
            r#"|[^\s&;,"'}\]]+)"#
        ))
    };
}

/// In the order in which they are replaced: what spans words first.
const FORMS: [Form; 11] = [
    always(r"(?-u)-----BEGIN [A-Z0-9 ]+-----[^-]*(?:-----END [A-Z0-9 ]+-----)?"),
    always(r#"(?i-u)(?<before>\b(?:authorization|cookie):\s*)[^\r\n"]+"#),
    always(r"(?i-u)(?<before>\b(?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}"),
    named!(
        "(?i:passw|passphrase|secret|token|credential|cookie|session_?id|api[_-]?key\
         |private[_-]?key|access[_-]?key)(?i:[a-z0-9_.-])*"
    ),
    named!(r"(?:\b|_)(?i:key|auth|authorization|pwd|pass|sid|pin|cvv|cvc)s?"),
    named!("[a-z0-9](?:Key|Auth|Pwd|Pass|Pin)s?"),
    always(r#"(?-u)(?<before>://[^\s/:@"]*:)[^\s/@"]+(?<after>@)"#),
    always(r"(?-u)eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}"),
    always(
        r"(?-u)\b(?:A[KS]IA[A-Z0-9]{16}|(?:gh[oprsu]|glpat|github_pat|[spr]k|xox[abprs])[_-][\w-]{16,})",
    ),
    Form {
        pattern: r"(?-u)\b[0-9](?:[ -]?[0-9]){12,18}\b",
        is_secret: has_check_digit,
    },
    Form {
        pattern: r"(?-u)[A-Za-z0-9+/_-]{24,}={0,2}",
        is_secret: looks_random,
    },
];

const fn always(pattern: &'static str) -> Form {
    Form {
        pattern,
        is_secret: |_| true,
    }
}

/// The forms, ready to be looked for. That each pattern is one is tested.
static READY: LazyLock<Vec<(Regex, &Form)>> = LazyLock::new(|| {
    let ready = |form: &'static Form| Some((Regex::new(form.pattern).ok()?, form));
    FORMS.iter().filter_map(ready).collect()
});

/// The text with its secrets replaced, and how many there were.
pub(super) fn masked(text: &[u8]) -> (Cow<'_, [u8]>, u64) {
    let (mut masked, mut count) = (Cow::Borrowed(text), 0);
    for (regex, form) in &*READY {
        let replace = |found: &Captures<'_>| without_secret(found, form, &mut count);
        if let Cow::Owned(replaced) = regex.replace_all(&masked, replace) {
            masked = Cow::Owned(replaced);
        }
    }
    (masked, count)
}

fn without_secret(found: &Captures<'_>, form: &Form, count: &mut u64) -> Vec<u8> {
    let part = |name| found.name(name).map_or(&b""[..], |part| part.as_bytes());
    let (whole, before, after) = (&found[0], part("before"), part("after"));
    let secret = whole.strip_prefix(before).unwrap_or(whole);
    let secret = secret.strip_suffix(after).unwrap_or(secret);
    if secret == MASKED || !(form.is_secret)(secret) {
        return whole.to_vec();
    }
    *count += 1;
    [before, MASKED, after].concat()
}

/// The number of a card: its last digit checks the others (ISO/IEC 7812-1, Luhn).
fn has_check_digit(text: &[u8]) -> bool {
    let digits = text.iter().rev().filter(|byte| byte.is_ascii_digit());
    let weighted = digits.enumerate().map(|(index, digit)| {
        let digit = u32::from(digit - b'0');
        let doubled = if index % 2 == 1 { digit * 2 } else { digit };
        doubled / 10 + doubled % 10
    });
    weighted.sum::<u32>() % 10 == 0
}

/// Long base64 and hexadecimal numbers, and no paths and names of functions: letters of both
/// cases and digits, or digits among few letters.
fn looks_random(text: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| text.iter().filter(|byte| is(byte)).count();
    let digits = count(u8::is_ascii_digit);
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let is_hexadecimal = count(|byte| !byte.is_ascii_hexdigit()) == 0 && text.len() >= 32;
    let is_mixed = digits > 0 && upper > 0 && lower > 0 && (digits + upper) * 10 >= text.len() * 3;
    is_mixed || is_hexadecimal && digits > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        String::from_utf8(masked(text.as_bytes()).0.into_owned()).expect("UTF-8 stays so")
    }

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(READY.len(), FORMS.len());
    }

    #[test]
    fn the_name_of_a_value_tells() {
        for (text, expected) in [
            (
                r#"{"password":"hun\"ter2","id":7}"#,
                r#"{"password":***,"id":7}"#,
            ),
            (r#""db_password" : "a b, c""#, r#""db_password" : ***"#),
            (
                r#"{\"token\":\"abc\",\"n\":1}"#,
                r#"{\"token\":***,\"n\":1}"#,
            ),
            (r#""tokens":["a","b"],"x":1"#, r#""tokens":***,"x":1"#),
            (
                r#""credentials":{"a":"b"},"x":1"#,
                r#""credentials":***,"x":1"#,
            ),
            (r#""pin":1234,"x":1"#, r#""pin":***,"x":1"#),
            ("user=ann&api_key=k1&x=1", "user=ann&api_key=***&x=1"),
            ("key=abc", "key=***"),
            ("apiKey: abc", "apiKey: ***"),
            ("{'secret': 'it''s'}", "{'secret': ***'s'}"),
            ("PASSWORD=hunter2 PATH=/bin", "PASSWORD=*** PATH=/bin"),
            ("Cookie: a=b; c=d\r\nHost: x", "Cookie: ***\r\nHost: x"),
            ("Authorization: Bearer abcdefgh", "Authorization: ***"),
            ("token:\n  hunter2", "token:\n  ***"),
            ("postgres://ann:hunter2@db/x", "postgres://ann:***@db/x"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn the_form_of_a_value_tells() {
        for secret in [
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_ghi",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nabc=\n-----END RSA PRIVATE KEY-----",
            "0123456789abcdef0123456789abcdef",
            "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ",
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_abcdefghijklmnopqrst",
            "4111 1111 1111 1111",
            "4111111111111111",
        ] {
            assert_eq!(shown(&format!("x {secret}, y")), "x ***, y");
        }
        assert_eq!(shown("Bearer abc.def-123"), "Bearer ***");
        assert_eq!(shown("x -----BEGIN PRIVATE KEY-----\nMIIB, y"), "x ***");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in [
            r#"{"user":"ann","monkey":"george","author":"kipling"}"#,
            "/usr/lib/x86_64-linux-gnu/libpthread-2.31.so",
            "java.util.concurrent.ThreadPoolExecutor",
            "SELECT name FROM users WHERE id = 12345",
            "2026-11-25 17:31:10.123456 order 4111111111111112",
            "550e8400-e29b-41d4-a716-446655440000",
            "https://example.com:8080/a@b",
        ] {
            assert_eq!(
                masked(text.as_bytes()),
                (Cow::Borrowed(text.as_bytes()), 0),
                "{text}"
            );
        }
    }

    #[test]
    fn a_secret_counts_once() {
        assert_eq!(masked(b"api_key=k1 password=p").1, 2);
    }
}
