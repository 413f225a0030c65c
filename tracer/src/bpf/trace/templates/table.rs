//! The template table, mapped into this process to be written.

use std::{
    collections::HashMap,
    mem,
    sync::atomic::{AtomicU64, Ordering},
};

use memmap2::MmapRaw;
use tracer_ebpf::{TEMPLATES, Template, WAYS, first_way};

/// Words of a template; the first is its return address.
const WORDS: usize = size_of::<Template>() / size_of::<u64>();

/// The table, and which return address is where.
pub(super) struct TemplateTable {
    memory: MmapRaw,
    places: HashMap<u64, usize>,
    /// The return address in each entry, 0 for none.
    taken: Vec<u64>,
    /// Entries that had to make room for others.
    evictions: usize,
}

impl TemplateTable {
    /// An empty table in a mapping as large as a whole one.
    pub(super) fn new(memory: MmapRaw) -> Self {
        assert!(memory.len() >= TEMPLATES * size_of::<Template>());
        Self {
            memory,
            places: HashMap::new(),
            taken: vec![0; TEMPLATES],
            evictions: 0,
        }
    }

    /// Has the programs use this template for its return address.
    pub(super) fn install(&mut self, template: &Template) {
        let entry = self.entry_for(template.ip);
        let words = words(template);
        // The return address goes first and comes back last, so that nobody finds
        // half of it. x86-64 keeps the order of stores, and so does Release.
        self.word(entry, 0).store(0, Ordering::Release);
        for (i, &word) in words.iter().enumerate().skip(1) {
            self.word(entry, i).store(word, Ordering::Release);
        }
        self.word(entry, 0).store(words[0], Ordering::Release);
    }

    /// Has the programs use none for this return address.
    pub(super) fn remove(&mut self, ip: u64) {
        if let Some(entry) = self.places.remove(&ip) {
            self.taken[entry] = 0;
            self.word(entry, 0).store(0, Ordering::Release);
        }
    }

    /// The entry of a return address: its own, a free one, or that of another.
    fn entry_for(&mut self, ip: u64) -> usize {
        if let Some(&entry) = self.places.get(&ip) {
            return entry;
        }
        let first = first_way(ip);
        let mut ways = first..first + WAYS;
        let free = ways.find(|&entry| self.taken[entry] == 0);
        let entry = free.unwrap_or_else(|| {
            self.evictions += 1;
            first + self.evictions % WAYS
        });
        self.places.remove(&self.taken[entry]);
        self.taken[entry] = ip;
        self.places.insert(ip, entry);
        entry
    }

    fn word(&self, entry: usize, word: usize) -> &AtomicU64 {
        let index = entry * WORDS + word;
        let memory = self.memory.as_mut_ptr().cast::<AtomicU64>();
        // SAFETY: within the mapping, which is aligned to a page and lives as long
        // as `self`; the programs only read it.
        unsafe { &*memory.wrapping_add(index) }
    }
}

/// A template as the words that programs read.
fn words(template: &Template) -> [u64; WORDS] {
    // SAFETY: `repr(C)` without padding, as long as that many words.
    unsafe { mem::transmute(*template) }
}

#[cfg(test)]
mod tests {
    use memmap2::MmapOptions;

    use super::*;

    fn table() -> TemplateTable {
        let memory = MmapOptions::new()
            .len(TEMPLATES * size_of::<Template>())
            .map_anon();
        TemplateTable::new(memory.expect("memory").into())
    }

    /// What a program would find.
    fn found(table: &TemplateTable, ip: u64) -> Option<Template> {
        let first = first_way(ip);
        let memory = table.memory.as_ptr().cast::<Template>();
        let templates = (first..first + WAYS).map(|entry| {
            // SAFETY: within the mapping; any words are a template.
            unsafe { memory.wrapping_add(entry).read() }
        });
        templates.into_iter().find(|template| template.ip == ip)
    }

    fn template(ip: u64) -> Template {
        Template {
            ip,
            next: [1, 2, 3, 4, 5],
            at: [8, 16, 24, 32, 0xfff8],
            kind: Template::FRAME,
            run: 5,
            unused: 0,
        }
    }

    #[test]
    fn what_is_installed_is_found_as_it_is() {
        let mut table = table();
        table.install(&template(0xffff_ffff_8100_0001));
        let changed = Template {
            run: 2,
            ..template(0xffff_ffff_8100_0001)
        };
        assert_eq!(found(&table, changed.ip), Some(template(changed.ip)));
        table.install(&changed);
        assert_eq!(found(&table, changed.ip), Some(changed));
        assert_eq!(found(&table, 7), None);
        table.remove(changed.ip);
        assert_eq!(found(&table, changed.ip), None);
        table.install(&changed);
        assert_eq!(found(&table, changed.ip), Some(changed));
    }

    #[test]
    fn one_too_many_takes_the_place_of_another() {
        let mut table = table();
        let crowd: Vec<_> = (1..)
            .filter(|&ip| first_way(ip) == 0)
            .take(WAYS + 1)
            .collect();
        crowd.iter().for_each(|&ip| table.install(&template(ip)));
        let there = crowd
            .iter()
            .filter(|&&ip| found(&table, ip).is_some())
            .count();
        assert_eq!(there, WAYS);
        assert!(found(&table, crowd[WAYS]).is_some());
    }
}
