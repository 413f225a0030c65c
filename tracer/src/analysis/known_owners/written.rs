//! The file of known owners, as it is written.

use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    owner: Vec<Written>,
}

/// One owner: what is said of it, and the names by which it is found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) who: String,
    pub(super) normal: String,
    pub(super) look: String,
    #[serde(default)]
    pub(super) helper: bool,
    #[serde(default)]
    pub(super) functions: Vec<String>,
    #[serde(default)]
    pub(super) modules: Vec<String>,
    #[serde(default)]
    pub(super) caches: Vec<String>,
    #[serde(default)]
    pub(super) callers: Vec<String>,
    #[serde(default)]
    pub(super) kinds: Vec<String>,
}

/// Reads the file's text.
pub(super) fn read(text: &str) -> Result<Vec<Written>, toml::de::Error> {
    Ok(toml::from_str::<File>(text)?.owner)
}
