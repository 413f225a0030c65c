//! The machine's pages, looked at while the trace is still on them.

use std::sync::OnceLock;

use rustix::param::page_size;

use super::plan::{self, Plan};
use crate::{
    analysis::Pages,
    bpf::{PageStructs, SiteTable},
    kernel::{host, pageflags::PageFlagsFile},
    model::{Feature, Limitation, PageState},
};

/// The running kernel's answers about its pages.
pub(super) struct LivePages<'a> {
    flags: Option<PageFlagsFile>,
    structs: Option<PageStructs>,
    sites: &'a SiteTable,
    largest_order: u32,
    unverified: OnceLock<Limitation>,
}

impl<'a> LivePages<'a> {
    pub(super) fn new(sites: &'a SiteTable, plan: &Plan) -> Self {
        let unverified = OnceLock::new();
        let flags = plan::page_flags()
            .map_err(|limitation| unverified.get_or_init(|| limitation).clone())
            .ok();
        Self {
            flags,
            structs: plan
                .page_structs
                .and_then(|array| PageStructs::new(array).ok()),
            sites,
            largest_order: plan.settings.largest_order,
            unverified,
        }
    }

    /// Why pages could not be looked at, if they could not.
    pub(super) fn unverified(self) -> Option<Limitation> {
        self.unverified.into_inner()
    }
}

impl Pages for LivePages<'_> {
    fn states(&self, first: u64, count: usize, states: &mut Vec<PageState>) {
        let Some(file) = &self.flags else {
            return;
        };
        if let Err(error) = file.states(first, count, states) {
            // The first one says enough.
            let unread = || format!("cannot read {}: {error}", host::PAGE_FLAGS);
            self.unverified
                .get_or_init(|| Feature::PageVerification.degraded(unread()));
        }
    }

    fn unreferenced(&self, first: u64) -> Option<u32> {
        self.structs.as_ref()?.unreferenced(first)
    }

    fn listed(&self, first: u64) -> Option<u32> {
        self.structs.as_ref()?.listed(first)
    }

    fn without_mapping(&self, first: u64) -> Option<u32> {
        self.structs.as_ref()?.without_mapping(first)
    }

    fn order(&self, site: u32) -> u32 {
        self.sites.order(site)
    }

    fn largest_order(&self) -> u32 {
        self.largest_order
    }

    fn huge_order(&self) -> u32 {
        // A page of a page table has entries of a word each.
        (page_size() / size_of::<u64>()).ilog2()
    }
}
