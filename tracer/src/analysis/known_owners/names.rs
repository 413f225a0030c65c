//! Names, and the owners that they stand for.

use rustc_hash::FxHashMap;

/// An owner in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) is_helper: bool,
}

/// Owners by whole names, and by what names begin with.
#[derive(Debug, Default)]
pub(super) struct Names {
    whole: FxHashMap<String, Place>,
    /// The longest first.
    beginnings: Vec<(String, Place)>,
}

impl Names {
    /// Adds a name; one that ends in `*` stands for all that begin so.
    pub(super) fn add(&mut self, pattern: &str, place: Place) {
        match pattern.strip_suffix('*') {
            Some(beginning) => {
                let shorter = |it: &(String, Place)| it.0.len() >= beginning.len();
                let at = self.beginnings.partition_point(shorter);
                self.beginnings.insert(at, (beginning.to_owned(), place));
            }
            None => {
                self.whole.insert(pattern.to_owned(), place);
            }
        }
    }

    /// The owner of exactly this name.
    pub(super) fn whole(&self, name: &str) -> Option<Place> {
        self.whole.get(name).copied()
    }

    /// The owner of the longest beginning that the name has.
    pub(super) fn beginning(&self, name: &str) -> Option<Place> {
        let mut all = self.beginnings.iter();
        all.find(|(beginning, _)| name.starts_with(beginning))
            .map(|(_, place)| *place)
    }

    /// The owner of a name.
    pub(super) fn find(&self, name: &str) -> Option<Place> {
        self.whole(name).or_else(|| self.beginning(name))
    }
}
