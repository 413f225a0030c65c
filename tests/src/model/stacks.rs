//! Stacks that are made up, where the programs read theirs: behind the arguments.

use std::os::fd::{AsFd as _, AsRawFd as _};

use anyhow::{Context as _, Result};
use aya::maps::{HashMap, Map, Queue};
use memmap2::MmapOptions;
use tracer_ebpf::{
    Control,
    key::{mix, seed},
    maps, programs,
    unwind::{RuleTable, UnwindControl, UnwindRule, bucket},
};

use super::{Page, Programs};

/// How far above its context a program finds the one return address, in bytes: behind the
/// arguments that it knows.
const FIRST_RETURN: u32 = 4 * 8;

/// A stack with this one return address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeUpStack(pub u64);

impl MadeUpStack {
    /// The key of a site with this stack.
    pub const fn key(self, order: u32, gfp: u32) -> u64 {
        mix(seed(order, gfp), self.0)
    }
}

impl Programs {
    /// From now on the programs unwind such stacks by a rule: they end there.
    pub fn know(&mut self, stack: MadeUpStack) -> Result<()> {
        self.steer(Control {
            unwind: UnwindControl {
                first_return: FIRST_RETURN,
                ..UnwindControl::default()
            },
            ..Control::default()
        })?;
        let Some(Map::Array(map)) = self.ebpf.map(maps::RULES) else {
            anyhow::bail!("no table of rules");
        };
        let memory = MmapOptions::new()
            .len(size_of::<RuleTable>())
            .map_raw(map.fd().as_fd().as_raw_fd())?;
        let rules = memory.as_mut_ptr().cast::<UnwindRule>();
        let rule = UnwindRule {
            ip: stack.0,
            kind: UnwindRule::END,
            ..UnwindRule::NONE
        };
        // SAFETY: the mapping has room for all rules, and no program runs now.
        unsafe { rules.wrapping_add(bucket(stack.0)).write(rule) };
        Ok(())
    }

    /// Gives a key this site.
    pub fn add_key(&mut self, key: u64, id: u32) -> Result<()> {
        let map = self
            .ebpf
            .map_mut(maps::SITE_IDS)
            .context("no keys of sites")?;
        Ok(HashMap::<_, u64, u32>::try_from(map)?.insert(key, id, 0)?)
    }

    /// Makes an id free.
    pub fn add_free_site(&mut self, id: u32) -> Result<()> {
        let map = self
            .ebpf
            .map_mut(maps::FREE_SITES)
            .context("no queue of sites")?;
        Ok(Queue::<_, u32>::try_from(map)?.push(id, 0)?)
    }

    /// Runs the program for a page that is allocated with such a stack.
    pub fn allocate(&self, frame: u64, gfp: u32, stack: MadeUpStack) -> Result<()> {
        let page = self.pointer(Page::Frame(frame));
        self.run_program(
            programs::PAGE_ALLOC,
            &[page, 0, gfp.into(), 0, stack.0],
            None,
        )
    }
}
