//! What user space does for the programs while they unwind by rules.

use std::os::fd::{AsFd as _, AsRawFd as _};

use anyhow::{Context as _, Result};
use aya::maps::{HashMap, Map, Queue};
use memmap2::{MmapOptions, MmapRaw};
use tracer_ebpf::{
    maps, programs,
    unwind::{BUCKET, RuleTable, UnwindControl, UnwindRule, WORD, bucket},
};

use super::{
    MadeUpStack, Page, Programs,
    stacks::{FIRST_RETURN, Known},
};

impl Programs {
    /// From now on the programs unwind such stacks by a rule: they end there.
    pub fn know(&mut self, stack: MadeUpStack) -> Result<()> {
        let end = UnwindRule {
            ip: stack.words[0],
            kind: UnwindRule::END,
            ..UnwindRule::NONE
        };
        self.publish(&[], &[end])
    }

    /// From now on there are rules for these functions and no others.
    pub(super) fn learn(&mut self, known: Known) -> Result<()> {
        let before: Vec<_> = Known::return_addresses().collect();
        self.publish(&before, &known.rules())
    }

    /// Takes the rules of some return addresses away, and adds others.
    fn publish(&mut self, withdrawn: &[u64], rules: &[UnwindRule]) -> Result<()> {
        let table = self.rule_table()?;
        let table = table.as_mut_ptr().cast::<UnwindRule>();
        let entries = |ip| (0..BUCKET).map(move |i| table.wrapping_add(bucket(ip) + i));
        for entry in withdrawn.iter().flat_map(|&ip| entries(ip)) {
            // SAFETY: within the mapping, and no program runs now.
            unsafe { entry.write(UnwindRule::NONE) };
        }
        for rule in rules {
            // SAFETY: as above; all words are a rule.
            let free = entries(rule.ip).find(|entry| unsafe { entry.read() }.ip == 0);
            let free = free.context("no room for a rule")?;
            // SAFETY: as above.
            unsafe { free.write(*rule) };
        }
        self.unwind = UnwindControl {
            first_return: FIRST_RETURN,
            frames_below: 0,
            discriminator_offset: FIRST_RETURN + WORD as u32,
            generation: self.unwind.generation + 1,
        };
        self.steer()
    }

    fn rule_table(&self) -> Result<MmapRaw> {
        let Some(Map::Array(map)) = self.ebpf.map(maps::RULES) else {
            anyhow::bail!("no table of rules");
        };
        Ok(MmapOptions::new()
            .len(size_of::<RuleTable>())
            .map_raw(map.fd().as_fd().as_raw_fd())?)
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
    pub fn allocate(&self, frame: u64, gfp: u32, stack: &MadeUpStack) -> Result<()> {
        let page = self.pointer(Page::Frame(frame));
        let arguments = [page, 0, gfp.into(), 0];
        self.run_program(programs::PAGE_ALLOC, &stack.above(arguments), None)
    }
}
