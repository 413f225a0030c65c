//! The table of a profile's strings.

use rustc_hash::FxHashMap;

/// Every string once, by its index. The first is the empty one.
pub(super) struct Strings {
    list: Vec<String>,
    indices: FxHashMap<String, i64>,
}

impl Strings {
    pub(super) fn new() -> Self {
        let mut strings = Self {
            list: Vec::new(),
            indices: FxHashMap::default(),
        };
        strings.index("");
        strings
    }

    /// Where a string stands.
    pub(super) fn index(&mut self, text: &str) -> i64 {
        if let Some(&index) = self.indices.get(text) {
            return index;
        }
        let index = self.list.len() as i64;
        self.list.push(text.to_owned());
        self.indices.insert(text.to_owned(), index);
        index
    }

    pub(super) fn into_list(self) -> Vec<String> {
        self.list
    }
}
