//! A frame of a kernel stack.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// One function on a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The function; none if the address could not be resolved.
    pub symbol: Option<String>,
    /// Bytes from the start of the function to the return address.
    pub offset: Option<u64>,
    /// The module the function belongs to; none for the kernel proper.
    pub module: Option<String>,
    /// The return address. Inlined functions share that of the function around them.
    #[serde(serialize_with = "hexadecimal", deserialize_with = "from_hexadecimal")]
    pub address: u64,
    /// Source file, where debug information of the running kernel is at hand.
    pub file: Option<String>,
    /// Line in `file`.
    pub line: Option<u32>,
    /// Whether the function was inlined into the next frame.
    pub inlined: bool,
}

impl Frame {
    /// An address that stands for itself.
    pub fn unnamed(address: u64) -> Self {
        Self {
            address,
            ..Self::default()
        }
    }

    /// A function and nothing else, for tests.
    #[cfg(test)]
    pub(crate) fn named(symbol: &str) -> Self {
        Self {
            symbol: Some(symbol.to_owned()),
            ..Self::default()
        }
    }
}

/// JSON numbers lose the low bits of a kernel address.
pub(super) fn hexadecimal<S: Serializer>(address: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{address:#x}"))
}

pub(super) fn from_hexadecimal<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    u64::from_str_radix(digits, 16).map_err(|_| D::Error::custom(format!("{text} is no address")))
}
