//! What is known of memory by whoever takes it, as a finding keeps it.

use serde::Serialize;

use crate::{
    analysis::known_owners::KnownOwners,
    model::{KnownMemory, KnownOwner},
};

impl From<&KnownOwner> for KnownMemory {
    fn from(owner: &KnownOwner) -> Self {
        Self {
            name: owner.name.clone(),
            what: owner.what.clone(),
            who: owner.who.clone(),
            normal: owner.normal.clone(),
        }
    }
}

/// The known owner of a kind of holder, by its name in JSON.
pub(super) fn of_kind(kind: impl Serialize) -> Option<&'static KnownOwner> {
    let name = serde_json::to_value(kind).ok()?;
    KnownOwners::shipped().of_kind(name.as_str()?)
}
