//! From a stack to the id of its call site, without the kernel's unwinder.

use super::{CacheEntry, Outcome, Rules, Stack, Tag, UnwindControl, Unwound, unwind};

/// What cache and rules say of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The call site, if it is known.
    pub site: Option<u32>,
    /// The key of a call site that is not known; only if the outcome is
    /// [`Outcome::Complete`].
    pub key: u64,
    /// How far the stack could be unwound.
    pub outcome: Outcome,
}

impl Resolution {
    /// That of a stack that was unwound so far, by `known`, which gives the site of a key.
    #[inline(always)]
    pub fn of(unwound: Unwound, known: impl FnOnce(u64) -> Option<u32>) -> Self {
        let Unwound { key, outcome } = unwound;
        let site = match outcome {
            Outcome::Complete => known(key),
            Outcome::NoRule | Outcome::Opaque => None,
        };
        Self { site, key, outcome }
    }
}

/// Resolves a stack by its cache entry, or else by the rules, by `site_key`, which makes the key of a
/// stack and the entry with its words the key of a site, and by `known`, which gives the site of a
/// key. The entry is then the stack's if the site was found.
#[inline(always)]
pub fn resolve(
    stack: &impl Stack,
    rules: Option<Rules<'_>>,
    control: &UnwindControl,
    tag: Tag,
    entry: &mut CacheEntry,
    site_key: impl FnOnce(u64, &CacheEntry) -> u64,
    known: impl FnOnce(u64) -> Option<u32>,
) -> Resolution {
    if let Some(site) = entry.lookup(stack, tag) {
        return Resolution {
            site: Some(site),
            key: 0,
            outcome: Outcome::Complete,
        };
    }
    entry.start(tag);
    let Unwound { key, outcome } = match rules {
        Some(rules) if control.first_return != 0 => {
            unwind(stack, rules, control.first_return.into(), tag.seed(), entry)
        }
        _ => Unwound::NOTHING,
    };
    let key = site_key(key, entry);
    let found = Resolution::of(Unwound { key, outcome }, known);
    if let Some(site) = found.site {
        entry.insert(site);
    }
    found
}
