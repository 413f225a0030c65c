//! Names of frames: as /proc/kallsyms has them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use pagetrace_tests::harness::{Frame, Leaker, Tracing, root_or_skip};

use crate::LEAK;

/// Where the functions of each name begin; compilers' suffixes are no part of it.
type Functions = BTreeMap<String, BTreeSet<u64>>;

fn functions() -> Functions {
    let text = fs::read_to_string("/proc/kallsyms").expect("root reads the kernel's symbols");
    let mut functions = Functions::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let address = words
            .next()
            .and_then(|word| u64::from_str_radix(word, 16).ok());
        let name = words.nth(1).expect("every symbol has a name");
        let address = address.expect("every symbol has an address");
        functions
            .entry(stem(name).to_owned())
            .or_default()
            .insert(address);
    }
    functions
}

fn stem(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Whether the function of that name begins where the frame says it does.
fn is_known(frame: &Frame, functions: &Functions) -> bool {
    let (Some(symbol), Some(offset)) = (&frame.symbol, frame.offset) else {
        return false;
    };
    let address = u64::from_str_radix(frame.address.trim_start_matches("0x"), 16);
    let begin = address.expect("an address is hexadecimal") - offset;
    functions
        .get(stem(symbol))
        .is_some_and(|begins| begins.contains(&begin))
}

#[test]
fn every_frame_is_the_function_it_says() {
    let Some(_machine) = root_or_skip("every_frame_is_the_function_it_says") else {
        return;
    };
    let trace = Tracing::attach(&["--scope", "all"]);
    let _pipes = Leaker::start(LEAK, &["pipes", "--count", "9", "--pages", "1"]);
    let _anon = Leaker::start(LEAK, &["anon", "--mib", "1"]);
    let report = trace.end().report;
    let functions = functions();
    let frames: Vec<_> = report.sites.iter().flat_map(|site| &site.frames).collect();
    assert!(frames.len() > 20, "{frames:#?}");
    for frame in frames.into_iter().filter(|frame| !frame.inlined) {
        assert!(is_known(frame, &functions), "{frame:#?}");
    }
}
