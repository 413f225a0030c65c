//! A case without what should not leave the house.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddrV4},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::model::{Case, Cause};

/// The same case without IP addresses, arguments of command lines, and contents of memory. Equal
/// addresses get equal names: `addr1`.
pub fn redacted(case: &Case) -> Result<Case> {
    let mut case = case.clone();
    for finding in &mut case.findings {
        if let Cause::Difference(it) = &mut finding.cause {
            let program = it.command.split(' ').next();
            it.command = program.unwrap_or_default().to_owned();
        }
    }
    let mut value = serde_json::to_value(case).context("the case cannot be written down")?;
    Addresses::default().take_out(&mut value);
    serde_json::from_value(value).context("the case cannot be read back")
}

/// The names that addresses were given.
#[derive(Default)]
struct Addresses {
    names: BTreeMap<IpAddr, String>,
}

impl Addresses {
    fn take_out(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.renamed(text),
            Value::Array(values) => values.iter_mut().for_each(|it| self.take_out(it)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    without_words(name, field);
                    self.take_out(field);
                }
            }
            _ => {}
        }
    }

    /// The text with each address replaced.
    fn renamed(&mut self, text: &str) -> String {
        let is_part = |c: char| c.is_alphanumeric() || "_:.".contains(c);
        let mut renamed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            let (before, from) = rest.split_at(start);
            let (word, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
            renamed += before;
            renamed += &self.word(word);
            rest = after;
        }
        renamed + rest
    }

    /// A word may end in what ends a sentence, and an IPv6 address in colons.
    fn word(&mut self, word: &str) -> String {
        let sentence = word.trim_end_matches(['.', ':']);
        let (_, end) = word.split_at(sentence.len());
        let whole = self.address(word);
        let renamed = whole.or_else(|| Some(self.address(sentence)? + end));
        renamed.unwrap_or_else(|| word.to_owned())
    }

    /// The name of an address, with its port if it has one; none of what is no address.
    fn address(&mut self, word: &str) -> Option<String> {
        if let Ok(address) = word.parse() {
            return Some(self.name(address));
        }
        let address = word.parse::<SocketAddrV4>().ok()?;
        let name = self.name(IpAddr::V4(*address.ip()));
        Some(format!("{name}:{}", address.port()))
    }

    /// The unspecified address says nothing of anybody.
    fn name(&mut self, address: IpAddr) -> String {
        if address.is_unspecified() {
            return address.to_string();
        }
        let next = format!("addr{}", self.names.len() + 1);
        self.names.entry(address).or_insert(next).clone()
    }
}

/// Leaves the program of a command line, and nothing of what memory contains.
fn without_words(name: &str, field: &mut Value) {
    match (name, &mut *field) {
        ("command_line", Value::Array(words)) => words.truncate(1),
        // What differs between machines is named by command lines.
        ("against", Value::Object(fields)) => {
            for list in ["processes", "mappings"] {
                fields.insert(list.to_owned(), Value::Array(Vec::new()));
            }
        }
        ("content", content) => *content = Value::Null,
        _ => {}
    }
}
