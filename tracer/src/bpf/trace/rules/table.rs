//! The rule table, mapped into this process to be written.

use std::{
    collections::HashMap,
    mem,
    sync::atomic::{AtomicU64, Ordering},
};

use memmap2::MmapRaw;
#[cfg(test)]
use tracer_ebpf::unwind::Rules;
use tracer_ebpf::unwind::{BUCKET, RULES, UnwindRule, bucket};

/// Words of a rule; the first is its return address.
const WORDS: usize = size_of::<UnwindRule>() / size_of::<u64>();

/// The table, and which rule is where.
pub(super) struct RuleWriter {
    memory: MmapRaw,
    entries: HashMap<u64, usize>,
    /// The return address of each entry, 0 for none.
    taken: Vec<u64>,
    /// Entries that had to make room for others.
    evictions: usize,
}

impl RuleWriter {
    /// An empty table in a mapping as large as a whole one.
    pub(super) fn new(memory: MmapRaw) -> Self {
        assert!(memory.len() >= RULES * size_of::<UnwindRule>());
        Self {
            memory,
            entries: HashMap::new(),
            taken: vec![0; RULES],
            evictions: 0,
        }
    }

    /// Gives the programs this rule.
    pub(super) fn publish(&mut self, rule: &UnwindRule) {
        let entry = self.entry_for(rule.ip);
        let words = words(rule);
        // Clearing the return address first and setting it last, so that no program finds
        // half a rule. x86-64 keeps the order of stores, and so does Release.
        self.word(entry, 0).store(0, Ordering::Release);
        for (i, &word) in words.iter().enumerate().skip(1) {
            self.word(entry, i).store(word, Ordering::Release);
        }
        self.word(entry, 0).store(words[0], Ordering::Release);
    }

    /// Takes the rule of this return address from the programs.
    pub(super) fn withdraw(&mut self, ip: u64) {
        if let Some(entry) = self.entries.remove(&ip) {
            self.taken[entry] = 0;
            self.word(entry, 0).store(0, Ordering::Release);
        }
    }

    /// The entry of a return address: its own, a free one, or that of another.
    fn entry_for(&mut self, ip: u64) -> usize {
        if let Some(&entry) = self.entries.get(&ip) {
            return entry;
        }
        let first = bucket(ip);
        let mut bucket = first..first + BUCKET;
        let free = bucket.find(|&entry| self.taken[entry] == 0);
        let entry = free.unwrap_or_else(|| {
            self.evictions += 1;
            first + self.evictions % BUCKET
        });
        self.entries.remove(&self.taken[entry]);
        self.taken[entry] = ip;
        self.entries.insert(ip, entry);
        entry
    }

    /// The rules as programs read them.
    #[cfg(test)]
    pub(super) fn rules(&self) -> Rules<'_> {
        // SAFETY: the mapping is as long as a table, aligned to a page, and lives as long
        // as `self`.
        unsafe { Rules::new(self.memory.as_ptr().cast()) }
    }

    fn word(&self, entry: usize, word: usize) -> &AtomicU64 {
        let index = entry * WORDS + word;
        let memory = self.memory.as_mut_ptr().cast::<AtomicU64>();
        // SAFETY: within the mapping, which is aligned to a page and lives as long
        // as `self`; the programs only read it.
        unsafe { &*memory.wrapping_add(index) }
    }
}

/// A rule as the words that programs read.
fn words(rule: &UnwindRule) -> [u64; WORDS] {
    // SAFETY: `repr(C)` without padding, as long as that many words.
    unsafe { mem::transmute(*rule) }
}

#[cfg(test)]
mod tests {
    use memmap2::MmapOptions;

    use super::*;

    fn table() -> RuleWriter {
        let memory = MmapOptions::new()
            .len(RULES * size_of::<UnwindRule>())
            .map_anon();
        RuleWriter::new(memory.expect("memory").into())
    }

    /// The rule that a program would find.
    fn found(table: &RuleWriter, ip: u64) -> Option<UnwindRule> {
        let first = bucket(ip);
        let memory = table.memory.as_ptr().cast::<UnwindRule>();
        let rules = (first..first + BUCKET).map(|entry| {
            // SAFETY: within the mapping; any words are a rule.
            unsafe { memory.wrapping_add(entry).read() }
        });
        rules.into_iter().find(|rule| rule.ip == ip)
    }

    fn rule(ip: u64) -> UnwindRule {
        UnwindRule {
            ip,
            next: [1, 2, 3, 4, 5],
            offsets: [8, 16, 24, 32, 0xfff8],
            kind: UnwindRule::FRAME,
            run: 5,
            unused: 0,
        }
    }

    #[test]
    fn a_published_rule_is_found_until_it_is_withdrawn() {
        let mut table = table();
        table.publish(&rule(0xffff_ffff_8100_0001));
        let changed = UnwindRule {
            run: 2,
            ..rule(0xffff_ffff_8100_0001)
        };
        assert_eq!(found(&table, changed.ip), Some(rule(changed.ip)));
        table.publish(&changed);
        assert_eq!(found(&table, changed.ip), Some(changed));
        assert_eq!(found(&table, 7), None);
        table.withdraw(changed.ip);
        assert_eq!(found(&table, changed.ip), None);
        table.publish(&changed);
        assert_eq!(found(&table, changed.ip), Some(changed));
    }

    #[test]
    fn a_full_bucket_evicts_a_rule() {
        let mut table = table();
        let ips: Vec<_> = (1..)
            .filter(|&ip| bucket(ip) == 0)
            .take(BUCKET + 1)
            .collect();
        ips.iter().for_each(|&ip| table.publish(&rule(ip)));
        let found_ips = ips.iter().filter(|&&ip| found(&table, ip).is_some());
        assert_eq!(found_ips.count(), BUCKET);
        assert!(found(&table, ips[BUCKET]).is_some());
    }
}
