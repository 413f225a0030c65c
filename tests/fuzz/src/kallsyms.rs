//! An address belongs to one of the symbols at the nearest address below it.

use std::{collections::BTreeMap, str};

use pagetrace::kernel::kallsyms::Kallsyms;

/// The modules that have symbols at an address.
type Starts<'a> = BTreeMap<u64, Vec<Option<&'a str>>>;

pub(crate) fn check(data: &[u8]) {
    let table = Kallsyms::read(data);
    let Ok(text) = str::from_utf8(data) else {
        return assert!(table.is_err(), "bytes that are not text were read");
    };
    let table = table.expect("text can be read");
    let starts = starts(text);
    assert_eq!(table.readable(), starts.keys().any(|&start| start != 0));
    if let Some(stext) = table.stext() {
        assert!(stext != 0 && starts.contains_key(&stext));
    }
    if let Some(first) = starts.keys().find(|&&start| start > 0) {
        let below = starts.contains_key(&0);
        assert!(below || table.module(first - 1).is_none());
    }
    let end = u64::MAX;
    for (&start, modules) in starts.iter().chain([(&end, &Vec::new())]) {
        for address in [start.saturating_sub(1), start, start.saturating_add(1)] {
            let nearest = starts.range(..=address).next_back();
            let modules = nearest.map_or(modules, |(_, modules)| modules);
            let module = table.module(address);
            let known = modules.contains(&module) || nearest.is_none() && module.is_none();
            assert!(known, "{address:x} in {module:?}");
        }
    }
}

/// The table, read in the plainest way.
fn starts(text: &str) -> Starts<'_> {
    let mut starts = Starts::new();
    for line in text.split('\n') {
        let words: Vec<_> = line.split_whitespace().collect();
        let [address, _, _, rest @ ..] = &words[..] else {
            continue;
        };
        if let Ok(address) = u64::from_str_radix(address, 16) {
            let module = rest.first().and_then(|word| word.strip_prefix('['));
            let module = module.and_then(|word| word.strip_suffix(']'));
            starts.entry(address).or_default().push(module);
        }
    }
    starts
}
