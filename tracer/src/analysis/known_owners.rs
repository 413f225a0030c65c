//! Who is known to take kernel memory: what it is, who usually holds it and what is normal, from a file of
//! data (docs/known-owners.md).
//!
//! Of a stack, the owner that is named nearest to the allocator wins. On one frame the whole name of a
//! function goes before the longest beginning of it, and that before its module. Helpers, which many
//! use, are named only where nobody else is.

mod names;
mod written;

use std::sync::LazyLock;

use self::{
    names::{Names, Place},
    written::Written,
};
use crate::model::{Frame, KnownOwner};

/// Frames beyond the function that asked for the pages: those further out called something else, which
/// asked for pages of its own.
const REACH: usize = 5;

/// Known owners and the rules by which they are found.
#[derive(Debug, Default)]
pub struct KnownOwners {
    owners: Vec<KnownOwner>,
    functions: Names,
    modules: Names,
    caches: Names,
    callers: Names,
    kinds: Names,
}

/// The owners that one frame names: places in the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    owner: Option<usize>,
    helper: Option<usize>,
}

impl KnownOwners {
    /// Those that pagetrace comes with.
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<KnownOwners> = LazyLock::new(|| {
            let read = KnownOwners::read(include_str!("known_owners/owners.toml"));
            // A test reads them, too.
            read.unwrap_or_else(|error| {
                log::error!("known owners cannot be read: {error}");
                KnownOwners::default()
            })
        });
        &SHIPPED
    }

    /// Reads the file's text.
    fn read(text: &str) -> Result<Self, toml::de::Error> {
        let mut known = Self::default();
        for written in written::read(text)? {
            known.add(written);
        }
        Ok(known)
    }

    fn add(&mut self, written: Written) {
        let place = Place {
            index: self.owners.len(),
            is_helper: written.helper,
        };
        let rules = [
            (&mut self.functions, written.functions),
            (&mut self.modules, written.modules),
            (&mut self.caches, written.caches),
            (&mut self.callers, written.callers),
            (&mut self.kinds, written.kinds),
        ];
        for (names, patterns) in rules {
            patterns.iter().for_each(|it| names.add(it, place));
        }
        self.owners.push(KnownOwner {
            name: written.name,
            what: written.what,
            who: written.who,
            normal: written.normal,
            look: written.look,
        });
    }

    /// Whose slab cache it is.
    pub fn of_cache(&self, cache: &str) -> Option<&KnownOwner> {
        self.at(self.caches.find(cache))
    }

    /// Who asks vmalloc by this function.
    pub fn of_caller(&self, function: &str) -> Option<&KnownOwner> {
        self.at(self.callers.find(super::owner::stem(function)))
    }

    /// What a kind of holder is, by its name in JSON.
    pub fn of_kind(&self, kind: &str) -> Option<&KnownOwner> {
        self.at(self.kinds.find(kind))
    }

    fn at(&self, place: Option<Place>) -> Option<&KnownOwner> {
        self.owners.get(place?.index)
    }

    /// The owners that a frame names.
    pub(super) fn named(&self, frame: &Frame) -> Named {
        let function = frame.symbol.as_deref().map(super::owner::stem);
        let module = frame.module.as_deref();
        let rules = [
            function.and_then(|it| self.functions.whole(it)),
            function.and_then(|it| self.functions.beginning(it)),
            module.and_then(|it| self.modules.whole(it)),
        ];
        let first = |is_helper| {
            let mut found = rules.into_iter().flatten();
            found
                .find(|it| it.is_helper == is_helper)
                .map(|it| it.index)
        };
        Named {
            owner: first(false),
            helper: first(true),
        }
    }

    /// The owner that is named nearest to the allocator, by frames from the innermost to the few beyond
    /// `owner`.
    pub(super) fn nearest(
        &self,
        frames: impl Iterator<Item = Named> + Clone,
        owner: usize,
    ) -> Option<&KnownOwner> {
        let mut near = frames.take(owner.saturating_add(1 + REACH));
        let helper = near.clone().find_map(|it| it.helper);
        let index = near.find_map(|it| it.owner).or(helper)?;
        self.owners.get(index)
    }
}

#[cfg(test)]
mod tests;
