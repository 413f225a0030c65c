//! The names of addresses, as they were when pagetrace saw them first: a module can be gone since, and
//! another be in its place.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use anyhow::Result;

use crate::model::Frame;

/// The names of all addresses on the stacks of the site table.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    frames: HashMap<u64, Vec<Frame>>,
}

impl KnownNames {
    /// The functions at each of the addresses. Only those that are new are asked of `symbols`, if there
    /// are any; those that are on no stack any more are forgotten.
    pub(super) fn of(
        &mut self,
        addresses: &[u64],
        symbols: impl FnOnce(&[u64]) -> Result<Vec<Vec<Frame>>>,
    ) -> Result<Vec<Vec<Frame>>> {
        let is_new = |address: &&u64| !self.frames.contains_key(address);
        let new: Vec<u64> = addresses.iter().filter(is_new).copied().collect();
        let named = if new.is_empty() {
            Vec::new()
        } else {
            symbols(&new)?
        };
        let asked: HashSet<_> = addresses.iter().copied().collect();
        let old = mem::take(&mut self.frames).into_iter();
        let kept = old.filter(|(address, _)| asked.contains(address));
        self.frames = kept.chain(new.into_iter().zip(named)).collect();
        let frames = |address| self.frames.get(address).cloned().unwrap_or_default();
        Ok(addresses.iter().map(frames).collect())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn all(name: &str) -> impl FnOnce(&[u64]) -> Result<Vec<Vec<Frame>>> {
        move |addresses| Ok(vec![vec![Frame::named(name)]; addresses.len()])
    }

    fn names(frames: &[Vec<Frame>]) -> Vec<&str> {
        let names = frames.iter().flatten();
        names.filter_map(|it| it.symbol.as_deref()).collect()
    }

    #[test]
    fn a_name_is_that_of_the_time() {
        let mut known = KnownNames::default();
        known.of(&[1, 2], all("old_module")).expect("named");
        // Another module is in its place; the pages that the first one left are still out.
        let frames = known.of(&[1, 3], all("new_module")).expect("named");
        assert_eq!(names(&frames), ["old_module", "new_module"]);
        // Nothing of the first one was left at the second address.
        let frames = known.of(&[2, 1], all("new_module")).expect("named");
        assert_eq!(names(&frames), ["new_module", "old_module"]);
    }

    #[test]
    fn what_is_known_is_not_asked_again() {
        let mut known = KnownNames::default();
        known.of(&[1], all("rx_fill")).expect("named");
        let frames = known.of(&[1, 1], |_| bail!("nobody needs it"));
        assert_eq!(names(&frames.expect("known")), ["rx_fill", "rx_fill"]);
        assert!(known.of(&[2], |_| bail!("no symbols")).is_err());
        assert!(
            known.of(&[1], |_| bail!("nobody needs it")).is_ok(),
            "what was known stays"
        );
    }
}
