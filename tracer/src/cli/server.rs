//! A server that takes profiles.

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What the user calls it.
    pub url: String,
    /// Its name or address, and its port.
    pub authority: String,
    /// What comes before the paths of its interface, without a slash at the end.
    pub path: String,
    /// What comes after them.
    pub query: Option<String>,
}
