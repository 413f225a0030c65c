//! What is known of those who take and hold kernel memory.

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

/// A driver or subsystem that takes kernel memory, in plain words. Each text is a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownOwner {
    /// What people call it.
    pub name: String,
    /// What the memory is.
    pub what: String,
    /// Who usually holds it.
    pub who: String,
    /// What is normal.
    pub normal: String,
    /// Commands that show more of it; `DEV`, `PID` and the like stand for what is to be filled in.
    pub look: String,
}

/// Programs find the rest by the name: a report can have thousands of entries.
impl Serialize for KnownOwner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut owner = serializer.serialize_struct("KnownOwner", 2)?;
        owner.serialize_field("name", &self.name)?;
        owner.serialize_field("what", &self.what)?;
        owner.end()
    }
}
