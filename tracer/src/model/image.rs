//! An image of code that functions on stacks belong to.

use serde::{Deserialize, Serialize};

use super::frame::{from_hexadecimal, hexadecimal};

/// The kernel proper or a module of it, as it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The module; none for the kernel proper.
    pub module: Option<String>,
    /// Which build it is, in hexadecimal digits; none if it does not say.
    pub build_id: Option<String>,
    /// The address of its text; 0 if that is hidden.
    #[serde(serialize_with = "hexadecimal", deserialize_with = "from_hexadecimal")]
    pub text_address: u64,
}
