//! The machine's pages, looked at while the trace is still on them.

use crate::{
    analysis::Pages,
    capture::{PageArray, PageReferences, SiteTable},
    kernel::{
        host,
        pageflags::{PageFlagsFile, PageState},
    },
    present,
};

/// The running kernel's answers about its pages.
pub(super) struct LivePages<'a> {
    flags: Option<PageFlagsFile>,
    references: Option<PageReferences>,
    sites: &'a SiteTable,
    unverified: Option<String>,
}

impl<'a> LivePages<'a> {
    pub(super) fn new(sites: &'a SiteTable, page_array: Option<PageArray>) -> Self {
        let mut unverified = None;
        let flags = host::page_flags()
            .map_err(|error| unverified = Some(present::sentence(&error)))
            .ok();
        Self {
            flags,
            references: page_array.and_then(|array| PageReferences::new(array).ok()),
            sites,
            unverified,
        }
    }

    /// Why pages could not be looked at, if they could not.
    pub(super) fn unverified(self) -> Option<String> {
        self.unverified
    }
}

impl Pages for LivePages<'_> {
    fn states(&mut self, first: u64, count: usize) -> Vec<PageState> {
        let Some(file) = &self.flags else {
            return Vec::new();
        };
        let flags = file.read(first, count).unwrap_or_else(|error| {
            self.unverified = Some(format!("cannot read {}: {error}", host::PAGE_FLAGS));
            Vec::new()
        });
        flags.into_iter().map(|flags| flags.state()).collect()
    }

    fn unreferenced(&mut self, first: u64) -> Option<u32> {
        self.references.as_mut()?.unreferenced(first).ok()
    }

    fn order(&self, site: u32) -> u32 {
        self.sites.order(site)
    }
}
