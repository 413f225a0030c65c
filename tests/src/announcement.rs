//! The one line in which the helper program says what it holds.

use std::{collections::BTreeMap, fmt, str::FromStr};

use anyhow::{Context, Error, Result, bail};

/// Pages by the order of the allocations that took them.
pub type PagesByOrder = BTreeMap<u32, u64>;

/// ```text
/// holding 8000 pages
/// holding 640 pages {"0":320,"2":320}
/// released 1000 pages
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Whether the pages are still taken.
    pub held: bool,
    /// How many pages were taken.
    pub pages: u64,
    /// The kernel's own count of them, if the leak asked for it.
    pub counted: Option<PagesByOrder>,
}

impl Announcement {
    /// Of pages that are held until the program is told to release them.
    pub const fn holding(pages: u64) -> Self {
        Self {
            held: true,
            pages,
            counted: None,
        }
    }

    /// Of pages that are free again already.
    pub const fn released(pages: u64) -> Self {
        Self {
            held: false,
            pages,
            counted: None,
        }
    }

    /// Of pages that the kernel counted, and that are held.
    pub fn counted(orders: PagesByOrder) -> Self {
        Self {
            held: true,
            pages: orders.values().sum(),
            counted: Some(orders),
        }
    }
}

impl fmt::Display for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.held { "holding" } else { "released" };
        write!(f, "{verb} {} pages", self.pages)?;
        if let Some(counted) = &self.counted {
            let json = serde_json::to_string(counted).map_err(|_| fmt::Error)?;
            write!(f, " {json}")?;
        }
        Ok(())
    }
}

impl FromStr for Announcement {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let (verb, rest) = line.split_once(' ').context("an announcement has a verb")?;
        let (pages, rest) = rest
            .split_once(" pages")
            .context("an announcement counts pages")?;
        let held = match verb {
            "holding" => true,
            "released" => false,
            other => bail!("`{other}` is not what a leak does with pages"),
        };
        let counted = match rest.trim() {
            "" => None,
            json => Some(serde_json::from_str(json)?),
        };
        Ok(Self {
            held,
            pages: pages.parse()?,
            counted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_can_be_read_back() {
        for announcement in [
            Announcement::holding(8000),
            Announcement::released(1000),
            Announcement::counted(BTreeMap::from([(0, 5), (2, 8)])),
        ] {
            let line = announcement.to_string();
            let back: Announcement = line.parse().expect("our own line");
            assert_eq!(back, announcement, "{line}");
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            "",
            "holding",
            "holding x pages",
            "dropped 3 pages",
            "holding 3 pages {",
        ] {
            assert!(line.parse::<Announcement>().is_err(), "{line}");
        }
    }
}
